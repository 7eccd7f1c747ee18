"""Train the encoder, or tune a teacher, for one stage: one picture size, one mix of pictures, one learning rate curve.

A stage starts from nothing, from another stage's checkpoint, or from its own last checkpoint when it was cut short.
The teacher is the same network with an ImageNet trunk: tuned first with the same losses, then imitated on the very
views that the student sees.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Model.training.augment import Strength, views
from Model.training.datasets import Mixer, PictureSet, make_vocabulary, write_half_sizes
from Model.training.losses import Objective, Weights
from Model.training.resnet import BLOCKS, DIM, Encoder, grow, resnet_trunk
from Model.training.teachers import WIDTH, load_teacher

log = logging.getLogger(__name__)

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SETS = ("photos", "street", "shop", "garments")
SIGNED = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True)
class Stage:
    """One stage of training.

    Args:
        name: of its checkpoint file.
        arch: "resnet34", or a path of a TFLite MobileNetV2 to tune.
        size: side of the pictures the trained network sees, in pixels.
        steps: optimiser steps; each sees two views of every picture of a batch.
        minutes: time limit; the learning rate follows whichever of steps and minutes is further along.
        mix: pictures per batch of photos, street, shop and garments (photos cut out by the mask network).
        rate: highest learning rate. rate_end: the last one, as a share of it.
        trunk_rate: learning rate of the trunk as a share of `rate`.
        start: checkpoint to take weights from, None for a fresh network.
        teacher: checkpoint of a tuned teacher, or a TFLite file, None for none.
        teacher_size: side of the pictures the teacher sees.
    """

    name: str
    arch: str = "resnet34"
    size: int = 96
    steps: int = 1000
    minutes: float = 1e9
    mix: tuple[int, ...] = (16, 8, 8)
    rate: float = 1.5e-3
    rate_end: float = 0.02
    trunk_rate: float = 1.0
    warmup: int = 60
    decay: float = 0.05
    average: float = 0.998
    start: str | None = None
    teacher: str | None = None
    teacher_size: int = 128
    seed: int = 7
    weights: Weights = field(default_factory=Weights)
    strength: Strength = field(default_factory=Strength)


def make_network(arch: str) -> Encoder:
    """Return an encoder of the named architecture: "resnet34", or a TFLite file as an ImageNet-trained trunk."""
    network = Encoder(resnet_trunk(arch)) if arch in BLOCKS else Encoder(load_teacher(Path(arch)), width=WIDTH)
    return network.to(memory_format=torch.channels_last)


def normalise(images: Tensor, arch: str) -> Tensor:
    """Return pictures in [0, 1] normalised as the architecture wants them, channels last."""
    mean, std = IMAGENET if arch in BLOCKS else SIGNED
    images = (images - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)
    return images.contiguous(memory_format=torch.channels_last)


class Average:
    """Moving average of a network's parameters; buffers are copied."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move the average towards the network; early steps move it further."""
        decay = min(self.decay, (step + 1) / (step + 10))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)


class Teacher:
    """A frozen network that turns views into targets: centred vectors, and category logits if it was tuned."""

    def __init__(self, source: str) -> None:
        self.tuned = not source.endswith(".tflite")
        if self.tuned:
            saved = torch.load(source, map_location="cpu", weights_only=False)
            self.arch = saved["stage"]["arch"]
            self.network = make_network(self.arch)
            self.network.load_state_dict(saved["average"])
            self.width = DIM
            weight = saved["average_heads"]["heads.category_head.weight"]
            self.head = nn.Linear(DIM, len(weight))
            self.head.load_state_dict({"weight": weight, "bias": saved["average_heads"]["heads.category_head.bias"]})
        else:
            self.arch = source
            self.network = make_network(source)
            self.width = WIDTH
        self.network.eval()
        self.mean = torch.zeros(self.width)
        self.seen = 0

    @torch.no_grad()
    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return (vectors, logits or None) of pictures in [0, 1]. Shape: (n, width), (n, 13)."""
        with torch.autocast("cpu", torch.bfloat16):
            trunk = self.network.trunk(normalise(images, self.arch))
        if self.tuned:
            features = self.network.neck(self.network.reduce(trunk.float()))
            return features, self.head(features)
        self.seen += 1
        self.mean.lerp_(trunk.float().mean(dim=0), max(0.01, 1 / self.seen))
        return trunk.float() - self.mean, None


@torch.no_grad()
def embed(network: Encoder, arch: str, source: PictureSet, size: int, batch: int = 64) -> Tensor:
    """Return the unit vectors of a whole set. Shape: (len(source), 512)."""
    network.eval()
    chunks = []
    for start in range(0, len(source), batch):
        pictures = source.pictures(np.arange(start, min(start + batch, len(source))), size)[:, :3]
        with torch.autocast("cpu", torch.bfloat16):
            chunks.append(network(normalise(pictures, arch)).float())
    return torch.cat(chunks)


@torch.no_grad()
def validate(network: Encoder, objective: Objective, arch: str, source: PictureSet, size: int) -> dict[str, float]:
    """Return head accuracy and P@5 among the labelled pictures of the set, neighbours of the same group left out."""
    vectors = embed(network, arch, source, size)
    labels = torch.from_numpy(source.labels["category"])
    known = labels >= 0
    vectors, labels = vectors[known], labels[known]
    groups = np.array([record["group"] for record in source.records])[known.numpy()]
    # The heads read the features before they get unit length; their scale does not change which logit is largest
    # except through the bias, so they are brought back to the typical length.
    logits = objective.heads["category_head"](vectors * math.sqrt(DIM))
    accuracy = float((logits.argmax(1) == labels).float().mean())
    recall = [float((logits[labels == c].argmax(1) == c).float().mean()) for c in labels.unique()]
    scores = vectors @ vectors.T
    scores[torch.from_numpy(groups[:, None] == groups[None, :])] = -2
    hits = labels[scores.topk(5, dim=1).indices] == labels[:, None]
    return {"accuracy": accuracy, "balanced": float(np.mean(recall)), "p5": float(hits.float().mean())}


def _rate(progress: float, step: int, stage: Stage) -> float:
    warm = min(1.0, (step + 1) / stage.warmup)
    return warm * (stage.rate_end + (1 - stage.rate_end) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def _save(path: Path, content: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    torch.save(content, part)
    part.replace(path)


def train(stage: Stage, cache: Path, out: Path, save_every_s: float = 120, check_every_s: float = 420) -> Path:
    """Run or resume one stage.

    Args:
        cache: folder written by `build_cache`.
        out: folder for `<name>.pt` (weights, average, optimiser, position) and `<name>.jsonl` (the log).
    Returns:
        Path of the checkpoint; its "done" is True.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_half_sizes(cache)
    path = out / f"{stage.name}.pt"
    vocabulary = make_vocabulary([r for r in json.loads((cache / "shop.json").read_text()) if r["split"] == "train"])
    drawn = [(name, count) for name, count in zip(SETS, stage.mix, strict=False) if count]
    sets = [(PictureSet(cache, name, vocabulary), count) for name, count in drawn]
    validation = PictureSet(cache, "photos", vocabulary, split="val")
    teacher = Teacher(stage.teacher) if stage.teacher else None
    torch.manual_seed(stage.seed)
    network = make_network(stage.arch)
    objective = Objective(vocabulary.sizes(), len(vocabulary.words), teacher.width if teacher else 0, stage.weights)
    saved = torch.load(path, map_location="cpu", weights_only=False) if path.exists() else None
    if saved is not None and saved["done"]:
        return path
    if saved is None and stage.start:
        first = torch.load(stage.start, map_location="cpu", weights_only=False)
        grow(network, first["average"])
        heads = objective.state_dict()
        heads.update({k: v for k, v in first["average_heads"].items() if k in heads and v.shape == heads[k].shape})
        objective.load_state_dict(heads)
    trunk = [p for n, p in network.named_parameters() if n.startswith("trunk")]
    fresh = [p for n, p in network.named_parameters() if not n.startswith("trunk")] + list(objective.parameters())
    groups = [{"params": trunk, "share": stage.trunk_rate}, {"params": fresh, "share": 1.0}]
    optimiser = torch.optim.AdamW(groups, lr=stage.rate, weight_decay=stage.decay)
    average, average_heads = Average(network, stage.average), Average(objective, stage.average)
    step, spent = 0, 0.0
    if saved is not None:
        network.load_state_dict(saved["network"])
        objective.load_state_dict(saved["heads"])
        optimiser.load_state_dict(saved["optimiser"])
        average.state, average_heads.state = saved["average"], saved["average_heads"]
        step, spent = saved["step"], saved["spent"]
    # A resumed stage draws on from another seed rather than seeing its first batches again.
    generator = torch.Generator().manual_seed(stage.seed * 1000 + step)
    view_size = max(stage.size, stage.teacher_size if teacher else 0)
    mixer = Mixer(sets, min(256, int(view_size * 1.15)), stage.seed * 1000 + step)

    def save(done: bool) -> None:
        content = {"stage": dataclasses.asdict(stage), "vocabulary": dataclasses.asdict(vocabulary), "step": step}
        content |= {"spent": spent, "done": done, "network": network.state_dict(), "heads": objective.state_dict()}
        content |= {"average": average.state, "average_heads": average_heads.state}
        _save(path, content if done else content | {"optimiser": optimiser.state_dict()})

    def check() -> None:
        judge, judge_heads = (
            make_network(stage.arch),
            Objective(vocabulary.sizes(), len(vocabulary.words), 0, Weights()),
        )
        judge.load_state_dict(average.state)
        heads = judge_heads.state_dict()
        judge_heads.load_state_dict({name: average_heads.state[name] for name in heads})
        report = validate(judge, judge_heads, stage.arch, validation, max(128, stage.size))
        _log(out / f"{stage.name}.jsonl", {"step": step, "spent": round(spent), **report})

    last_save = last_check = time.monotonic()
    network.train()
    while (progress := max(step / stage.steps, spent / 60 / stage.minutes)) < 1:
        began = time.monotonic()
        for group in optimiser.param_groups:
            group["lr"] = stage.rate * group["share"] * _rate(progress, step, stage)
        batch = mixer.draw()
        with torch.no_grad():
            seen = torch.cat([views(batch.pictures, view_size, stage.strength, generator) for _ in range(2)])
            # One view of each pair is enough for the teacher, at half the price.
            target, logits = teacher(seen[: len(batch.item)]) if teacher else (None, None)
            if stage.size < view_size:
                seen = F.interpolate(seen, size=(stage.size, stage.size), mode="bilinear", antialias=True)
        with torch.autocast("cpu", torch.bfloat16):
            pooled = network.trunk(normalise(seen, stage.arch))
        features = network.neck(network.reduce(pooled.float()))
        loss, parts = objective(features, batch, target, logits)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([*network.parameters(), *objective.parameters()], 5.0)
        optimiser.step()
        average.update(network, step)
        average_heads.update(objective, step)
        step += 1
        spent += time.monotonic() - began
        if step % 20 == 0:
            line = {name: round(value, 3) for name, value in parts.items()}
            log.info("%s step %d %.0fs rate %.2g %s", stage.name, step, spent, optimiser.param_groups[1]["lr"], line)
        if time.monotonic() - last_save > save_every_s:
            save(done=False)
            last_save = time.monotonic()
        if time.monotonic() - last_check > check_every_s:
            check()
            last_check = time.monotonic()
    check()
    save(done=True)
    return path


def _log(path: Path, record: dict[str, Any]) -> None:
    log.info("validation %s", record)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def main() -> None:
    """Run one stage from a JSON file of its settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", type=Path, help="JSON file: the fields of Stage")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(arguments.threads)
    settings = json.loads(arguments.stage.read_text())
    settings["weights"] = Weights(**settings.get("weights", {}))
    strength = settings.get("strength", {})
    settings["strength"] = Strength(**{k: tuple(v) if isinstance(v, list) else v for k, v in strength.items()})
    settings["mix"] = tuple(settings.get("mix", Stage.mix))
    train(Stage(**settings), arguments.cache, arguments.out)


if __name__ == "__main__":
    main()
