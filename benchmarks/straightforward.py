"""The straightforward way to do the main job, with the same three networks: the baseline of benchmarks/pipeline.py.

torch eager ResNet34, rembg with a session of its own, pandas and cosine over a CSV: what a first system of this kind
does. Its numbers are Similook's own: the served int8 weights are dequantised into torch.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import torch
from onnx import numpy_helper
from PIL import Image, ImageOps

from Model.card import Card
from Model.embedder import with_margin
from Model.segmenters.on_white import garment_box
from Model.segmenters.rembg import RembgSegmenter
from Model.training.publish_encoder import two_looks
from Model.training.resnet import Encoder, build_encoder

FEATURES = [f"f{place}" for place in range(512)]


def torch_encoder(folder: Path) -> Encoder:
    """Return the torch network whose weights are those of a served int8 file, dequantised.

    Args:
        folder: of the served encoder.
    """
    graph = onnx.load(str(Card.load(folder).model_path(folder))).graph
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    network = build_encoder()
    state = network.state_dict()
    for name in [name for name in state if name.startswith("trunk.") and state[name].ndim == 4]:
        scale = held[f"{name}_scale"].reshape(-1, 1, 1, 1)
        state[name] = torch.from_numpy(held[f"{name}_quantized"].astype(np.float32) * scale)
        # Batch normalisation is folded into the served convolution: what is left of it is the bias.
        norm = norm_of(name)
        bias = held[f"{name}_bias_quantized"] * held[f"{name}_bias_quantized_scale"]
        state[f"{norm}.weight"] = torch.ones(len(bias))
        state[f"{norm}.bias"] = torch.from_numpy(bias.astype(np.float32))
        state[f"{norm}.running_mean"] = torch.zeros(len(bias))
        state[f"{norm}.running_var"] = torch.ones(len(bias))
    for part in ("weight", "bias", "running_mean", "running_var"):
        state[f"neck.{part}"] = torch.from_numpy(held[f"neck.{part}"].copy())
    network.load_state_dict(state)
    network.looks = two_looks()
    return network.eval()


def norm_of(convolution: str) -> str:
    """Return the batch normalisation behind a ResNet's convolution: conv2 has bn2, downsample.0 has downsample.1."""
    stem = convolution.removesuffix(".weight")
    return stem.replace("downsample.0", "downsample.1") if "downsample" in stem else stem.replace("conv", "bn")


@dataclass
class Straightforward:
    """Everything that the straightforward way keeps in memory.

    Args:
        encoder: torch network.
        card: of the served encoder: size, mean and deviation.
        session: rembg's.
        head: weights and biases of the 512-512-13 classifier as an ONNX file's bytes.
        table: one row per product: id, name, f0..f511.
    """

    encoder: Encoder
    card: Card
    session: Any
    head: Any
    table: pd.DataFrame

    @classmethod
    def load(cls, encoder: Path, segmenter: Path, classifier: Path, table: Path) -> Straightforward:
        """Load all of it, as each request of a first system does."""
        import onnxruntime

        head = Card.load(classifier).model_path(classifier)
        return cls(
            torch_encoder(encoder),
            Card.load(encoder),
            RembgSegmenter(segmenter, threads=1)._session,
            onnxruntime.InferenceSession(str(head), providers=["CPUExecutionProvider"]),
            pd.read_csv(table),
        )

    def answer(self, data: bytes, k: int = 10) -> list[str]:
        """Return the product ids for a photo's bytes, best first."""
        from rembg import remove

        photo = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        mask = np.array(remove(photo, session=self.session, only_mask=True), dtype=np.uint8)
        box = garment_box(mask)
        around = (0, 0, *photo.size) if box is None else with_margin(box, photo.size)
        alpha = Image.new("L", photo.size, 255) if box is None else Image.fromarray(mask)
        side, how = self.card.input_size[0], Image.Resampling.BILINEAR
        picture = ImageOps.pad(photo.crop(around), (side, side), how, color=self.card.pad_color)
        garment = ImageOps.pad(alpha.crop(around), (side, side), how, color=255)
        raw = np.asarray(picture, dtype=np.float32) / 255.0
        pixels = (raw - np.array(self.card.mean, np.float32)) / np.array(self.card.std, np.float32)
        seen = np.dstack([pixels, np.asarray(garment, dtype=np.float32) / 255.0])
        with torch.no_grad():
            vector = self.encoder(torch.from_numpy(seen.transpose(2, 0, 1)[None].copy())).numpy()
        self.head.run(None, {"embedding": vector})
        gallery = self.table[FEATURES].to_numpy(dtype=np.float32)
        cosine = gallery @ vector[0] / np.linalg.norm(gallery, axis=1)
        return [str(self.table.product_id[place]) for place in np.argsort(-cosine)[:k]]
