"""A strong but heavy mask teacher: frozen ImageNet features under a small head, trained in minutes, never shipped.

803 masked street photos are few, and the served network starts from nothing. A teacher's features already know what a
shirt is, so a head on them learns masks that carry over to the thousands of photos without any; those masks are then
what the served network learns from (distillation). Only the network trained here on masks is published; the teacher's
weights are read from the folder they lie in and stay there.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor, nn
from torch.nn import functional as F

from Model.training.mask_data import MaskSets, Pixels
from Model.training.mask_loss import mask_loss
from Model.training.mask_sampler import MaskSampler, coloured

log = logging.getLogger(__name__)

SIDE = 224
SOFT_SIDE = 160
"""Of the soft masks, in px."""
BILINEAR = Image.Resampling.BILINEAR
TEACHER = "tf2_mobilenet_v2_1.0_224_ptq.tflite"
# Output shapes (side, channels) of the MobileNetV2 block groups whose last map feeds the head: strides 4, 8, 16, 32.
KEPT = ((56, 24), (28, 32), (14, 96), (7, 320))


class TeacherMaps:
    """Spatial features of an int8 MobileNetV2, run where it is fastest: in LiteRT, 224 px.

    Args:
        file: the TFLite classifier.
    Raises: FileNotFoundError: it is missing.
    """

    def __init__(self, file: Path) -> None:
        if not file.exists():
            raise FileNotFoundError(f"{file} is missing: give the folder of the teachers")
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(str(file), num_threads=1, experimental_preserve_all_tensors=True)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        details = {entry["index"]: entry for entry in self.interpreter.get_tensor_details()}
        outputs = [int(op["outputs"][0]) for op in self.interpreter._get_ops_details() if op["op_name"] != "DELEGATE"]
        self.kept = []
        for side, channels in KEPT:
            index = [o for o in outputs if tuple(details[o]["shape"]) == (1, side, side, channels)][-1]
            quantisation = details[index]["quantization_parameters"]
            self.kept.append((index, float(quantisation["scales"][0]), int(quantisation["zero_points"][0])))

    def __call__(self, pictures: Pixels) -> list[Tensor]:
        """Return the maps of pictures (n, 224, 224, 3), finest first. Shape: (n, c, s, s) float16 each."""
        found: list[list[npt.NDArray[np.float16]]] = [[] for _ in KEPT]
        for picture in pictures:
            self.interpreter.set_tensor(self.input, np.ascontiguousarray(picture[None]))
            self.interpreter.invoke()
            for place, (index, scale, zero) in enumerate(self.kept):
                values = self.interpreter.get_tensor(index)[0].astype(np.float32)
                found[place].append(((values - zero) * scale).astype(np.float16))
        return [torch.from_numpy(np.stack(maps)).permute(0, 3, 1, 2) for maps in found]


class MaskHead(nn.Module):
    """From the kept maps to mask logits at a quarter of the picture's side, coarse to fine."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.enter = nn.ModuleList(nn.Sequential(nn.BatchNorm2d(c), nn.Conv2d(c, width, 1)) for _, c in KEPT)
        self.mix = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
            for _ in KEPT
        )
        self.wide = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=2, dilation=2, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.last = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Return logits (n, 1, s / 4, s / 4)."""
        x = self.wide(self.mix[-1](self.enter[-1](maps[-1])))
        for level in reversed(range(len(maps) - 1)):
            x = F.interpolate(x, size=maps[level].shape[-2:], mode="bilinear")
            x = x + self.mix[level](x + self.enter[level](maps[level]))
        logits: Tensor = self.last(x)
        return logits


def filled(mask: Pixels) -> Pixels:
    """Fill the holes of a soft mask (h, w): a flat dark cloth shows the teacher nothing in its middle."""
    garment = mask > 127
    holes = ndimage.binary_fill_holes(ndimage.binary_dilation(garment, iterations=2)) & ~garment
    inner = ndimage.binary_erosion(ndimage.binary_fill_holes(garment | holes), iterations=2)
    return np.where(inner & ~garment, np.uint8(255), mask).astype(np.uint8)


def keep_soft_masks(sets: MaskSets, soft: npt.NDArray[np.floating]) -> None:
    """Give every photo without a mask a soft one, and a weight: how sure it is, 0 where it shows nothing.

    Args:
        soft: probabilities of garment, one for each of the sets' photos. Shape: (p, s, s).
    """
    doubt = np.minimum(soft, 1 - soft).mean(axis=(1, 2)) / np.maximum(0.05, soft.mean(axis=(1, 2)))
    sure = np.clip(1 - doubt / 0.3, 0, 1)
    sure[(soft > 0.5).mean(axis=(1, 2)) < 0.04] = 0
    odds = np.log(np.clip(soft, 1e-4, 1 - 1e-4) / np.clip(1 - soft, 1e-4, 1))
    # Sharpened: half doubt is no target for a mask.
    sharp = (255 / (1 + np.exp(-2 * odds))).round().astype(np.uint8)
    sets.pseudo = np.stack([filled(mask) for mask in sharp])
    sets.pseudo_weight = sure.astype(np.float32) + 1e-6
    log.info("soft masks: mean weight %.3f, %.0f %% usable", sure.mean(), 100 * (sure > 0.2).mean())


class MaskTeacher:
    """Frozen features and a trained head.

    Args:
        teachers: folder of the TFLite classifiers.
    Raises: FileNotFoundError: the classifier is missing.
    """

    def __init__(self, teachers: Path) -> None:
        self.maps = TeacherMaps(teachers / TEACHER)
        self.head = MaskHead().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def fit(self, sets: MaskSets, *, views: int, epochs: int, seed: int) -> None:
        """Train the head on ``views`` pictures of the sampler, their features computed once and kept as fp16."""
        sampler = MaskSampler(sets, seed)
        generator = torch.Generator().manual_seed(seed)
        began = time.monotonic()
        held: list[list[Tensor]] = []
        truth: list[Tensor] = []
        for _ in range(views // 16):
            pictures, masks = sampler.batch(16, SIDE)
            pixels = (coloured(pictures, generator) * 255).byte().permute(0, 2, 3, 1).numpy()
            held.append(self.maps(pixels))
            truth.append(F.avg_pool2d(masks, 4).half())
        log.info("teacher features of %d views in %.0f s", views, time.monotonic() - began)
        maps = [torch.cat([batch[level] for batch in held]) for level in range(len(KEPT))]
        held.clear()
        masks = torch.cat(truth)
        optimiser = torch.optim.AdamW(self.head.parameters(), lr=2e-3, weight_decay=0.02)
        steps = epochs * (len(masks) // 16)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=3e-3, total_steps=steps + 1, pct_start=0.1)
        self.head.train()
        for epoch in range(epochs):
            order, losses = torch.randperm(len(masks), generator=generator), []
            for start in range(0, len(masks) - 15, 16):
                chosen = order[start : start + 16]
                flip = bool(torch.rand(1, generator=generator) < 0.5)
                inputs = [m[chosen].flip(3) if flip else m[chosen] for m in maps]
                wanted = (masks[chosen].flip(3) if flip else masks[chosen]).float()
                with torch.autocast("cpu", torch.bfloat16):
                    logits = self.head([m.float() for m in inputs]).float()
                loss = mask_loss([logits], wanted)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                losses.append(float(loss.detach()))
            log.info("teacher head: epoch %d loss %.3f, %.0f s", epoch + 1, np.mean(losses), time.monotonic() - began)
        self.head.eval()

    @torch.no_grad()
    def predict(self, pictures: Pixels, side: int, *, mirror: bool = False) -> Pixels:
        """Return soft masks (n, side, side), 0 .. 255, of square pictures (n, s, s, 3).

        Args:
            mirror: take the mean over both mirror images, at twice the time.
        """
        resized = np.stack([np.asarray(Image.fromarray(p).resize((SIDE, SIDE), BILINEAR)) for p in pictures])
        shares = []
        for pixels in (resized, resized[:, :, ::-1]) if mirror else (resized,):
            with torch.autocast("cpu", torch.bfloat16):
                shares.append(self.head([m.float() for m in self.maps(pixels)]).float().sigmoid())
        both = (shares[0] + shares[1].flip(3)) / 2 if mirror else shares[0]
        share = F.interpolate(both, size=(side, side), mode="bilinear")
        return np.asarray((share[:, 0] * 255).round().byte().numpy())

    def label(self, sets: MaskSets, side: int = SOFT_SIDE) -> None:
        """Give every photo without a mask a soft one; see keep_soft_masks."""
        masks = [self.predict(sets.photos[i : i + 16], side) for i in range(0, len(sets.photos), 16)]
        keep_soft_masks(sets, np.concatenate(masks).astype(np.float32) / 255)
