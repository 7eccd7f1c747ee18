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
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Model.errors import CheckpointInvalid, ModelError
from Model.training.augment import mix, views
from Model.training.crew import Alone, work_together
from Model.training.datasets import Mixer, PictureSet, make_vocabulary, write_half_sizes
from Model.training.files import written_whole
from Model.training.hints import trunk_maps
from Model.training.lesson import Sample, Stock, Teachers
from Model.training.limits import Limits, bound, measure
from Model.training.losses import Objective, Weights
from Model.training.resnet import grow
from Model.training.stage import Stage, make_network, normalise, read_stage
from Model.training.validate import validate

log = logging.getLogger(__name__)

AGREE_EVERY = 12
"""Steps between two meetings of a crew."""

RESTING = ("conv1", "bn1", "layer1")
"""What `Stage.rest` leaves as it is."""

LIMIT_BATCHES = 4
"""Batches of views that limits on activations are measured on."""

SETS = ("photos", "street", "shop", "garments")


class Average:
    """Moving average of a network's parameters and running statistics; counters are copied."""

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


def _rate(progress: float, step: int, stage: Stage) -> float:
    warm = min(1.0, (step + 1) / stage.warmup)
    return warm * (stage.rate_end + (1 - stage.rate_end) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what `train` has saved.

    Raises:
        FileNotFoundError: there is none.
        CheckpointInvalid: it cannot be read.
    """
    try:
        # Written by this program: it holds the stage's settings beside the weights.
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointInvalid(f"{path} is no checkpoint of a stage: delete it to train that stage anew.") from error
    return saved


def refuse_another_stage(saved: dict[str, Any], asked: Stage, path: Path) -> None:
    """Refuse a checkpoint that was trained with other settings; its folders may lie elsewhere by now.

    Raises:
        CheckpointInvalid: with the names of the settings.
    """
    before, now = ({name: _plain(value) for name, value in each.items()} for each in (saved, dataclasses.asdict(asked)))
    if differing := sorted(name for name in {*before, *now} if before.get(name) != now.get(name)):
        raise CheckpointInvalid(
            f"{path} is of a run with another {', '.join(differing)}: choose another folder, or delete it."
        )


def _plain(value: Any) -> Any:
    """Return a setting as JSON has it, with the names of files in the place of their paths."""
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return Path(value).name if isinstance(value, str) else value


def train(
    stage: Stage,
    cache: Path,
    out: Path,
    save_every_s: float = 120,
    check_every_s: float = 420,
    on_step: Callable[[int], None] | None = None,
    crew: Alone | None = None,
) -> Path:
    """Run or resume one stage.

    Args:
        cache: folder written by `build_cache`.
        on_step: called after each step with the number of steps done.
        crew: the processes that train together; None for this one alone.
        out: folder for `<name>.pt` (weights, average, optimiser, position) and `<name>.jsonl` (the log).
    Returns:
        Path of the checkpoint; its "done" is True.
    Raises:
        CheckpointInvalid: the checkpoint there is of a stage with other settings, or cannot be read.
        FileNotFoundError: the cache, a teacher or the checkpoint to start from is missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    crew = crew or Alone()
    write_half_sizes(cache)
    path = out / f"{stage.name}.pt"
    vocabulary = make_vocabulary([r for r in json.loads((cache / "shop.json").read_text()) if r["split"] == "train"])
    drawn = [(name, count) for name, count in zip(SETS, stage.mix, strict=False) if count]
    sets = [(PictureSet(cache, name, vocabulary), count) for name, count in drawn]
    validation = PictureSet(cache, stage.judge, vocabulary, split="val")
    teacher = Teachers(stage.teachers) if stage.teachers else None
    torch.manual_seed(stage.seed)
    network = make_network(stage.arch)
    objective = Objective(vocabulary.sizes(), len(vocabulary.words), teacher, stage.weights)
    limits: Limits | None = None
    saved = read_checkpoint(path) if path.exists() else None
    if saved is not None:
        refuse_another_stage(saved["stage"], stage, path)
        if saved["done"]:
            return path
    if saved is None and stage.start:
        first = read_checkpoint(Path(stage.start))
        grow(network, first["average"])
        limits = first.get("limits")
        heads = objective.state_dict()
        heads.update({k: v for k, v in first["average_heads"].items() if k in heads and v.shape == heads[k].shape})
        objective.load_state_dict(heads)
    resting = [network.trunk.get_submodule(name) for name in RESTING] if stage.rest else []
    for layer in resting:
        layer.requires_grad_(False)
    trunk = [p for n, p in network.named_parameters() if n.startswith("trunk") and p.requires_grad]
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
        step, spent, limits = saved["step"], saved["spent"], saved["limits"]
    # A resumed stage draws on from another seed rather than seeing its first batches again.
    seed = stage.seed * 1000 + step + 500_000 * crew.rank
    generator = torch.Generator().manual_seed(seed)
    view_size = max(stage.size, stage.teacher_size if teacher else 0)
    mixer = Mixer(sets, min(256, int(view_size * 1.15)), seed)

    @torch.no_grad()
    def make_sample() -> Sample:
        batch = mixer.draw()
        seen = torch.cat([views(batch.pictures, view_size, stage.strength, generator) for _ in range(2)])
        if stage.mixed:
            seen = torch.cat([seen, mix(seen, stage.mixed, generator)])
        shown = seen if stage.teach_both else seen[: len(batch.item)]
        lesson = teacher(_at_size(shown, stage.teacher_size)) if teacher else None
        return Sample(dataclasses.replace(batch, pictures=batch.pictures[:0]), _at_size(seen, stage.size), lesson)

    if limits is not None:
        bound(network, limits)
    if saved is None and stage.ceiling is not None:
        # The same pictures for every member of a crew.
        first_look = Mixer(sets, mixer.size, stage.seed)
        draws = torch.Generator().manual_seed(stage.seed)
        seen = [views(first_look.draw().pictures, stage.size, stage.strength, draws) for _ in range(LIMIT_BATCHES)]
        limits = measure(network, normalise(torch.cat(seen), stage.arch), stage.ceiling)
        bound(network, limits)
    stock = Stock(make_sample, stage.passes, seed)

    def save(done: bool) -> None:
        content = {"stage": dataclasses.asdict(stage), "vocabulary": dataclasses.asdict(vocabulary), "step": step}
        content |= {
            "limits": limits,
            "spent": spent,
            "done": done,
            "network": network.state_dict(),
            "heads": objective.state_dict(),
        }
        content |= {"average": average.state, "average_heads": average_heads.state}
        with written_whole(path) as part:
            torch.save(content if done else content | {"optimiser": optimiser.state_dict()}, part)

    def check() -> None:
        judge, judge_heads = (
            make_network(stage.arch),
            Objective(vocabulary.sizes(), len(vocabulary.words), None, Weights()),
        )
        judge.load_state_dict(average.state)
        if limits is not None:
            bound(judge, limits)
        heads = judge_heads.state_dict()
        judge_heads.load_state_dict({name: average_heads.state[name] for name in heads})
        report = validate(judge, judge_heads, stage.arch, validation, stage.size)
        _log(out / f"{stage.name}.jsonl", {"step": step, "spent": round(spent), **report})

    last_save = last_check = time.monotonic()
    network.train()
    for layer in resting:
        layer.eval()  # its normalisations, too, stay as they are
    began = time.monotonic()
    while True:
        progress = max(step / stage.steps, spent / 60 / stage.minutes)
        if step % AGREE_EVERY == 0:
            crew.average([network, objective])
            progress = crew.agree(progress)
        elif crew.size > 1:
            progress = min(progress, 0.999)  # only agreed ends count
        if progress >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = stage.rate * group["share"] * _rate(progress, step, stage)
        sample = stock.next()
        with torch.autocast("cpu", torch.bfloat16):
            pooled, maps = trunk_maps(network.trunk, normalise(sample.seen, stage.arch))
        features = network.neck(network.reduce(pooled.float()))
        loss, parts = objective(features, sample.batch, sample.lesson, maps)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([*network.parameters(), *objective.parameters()], 5.0)
        optimiser.step()
        average.update(network, step)
        average_heads.update(objective, step)
        step += 1
        spent, began = spent + time.monotonic() - began, time.monotonic()
        if crew.rank:
            continue
        if step % 20 == 0:
            line = {name: round(value, 3) for name, value in parts.items()}
            log.info("%s step %d %.0fs rate %.2g %s", stage.name, step, spent, optimiser.param_groups[1]["lr"], line)
        if time.monotonic() - last_save > save_every_s:
            save(done=False)
            last_save = began = time.monotonic()
        if on_step is not None:
            on_step(step)
        if time.monotonic() - last_check > check_every_s:
            check()
            last_check = began = time.monotonic()
    if crew.rank == 0:
        check()
        save(done=True)
    return path


def _at_size(images: Tensor, size: int) -> Tensor:
    """Return pictures with sides of that many pixels. Shape: (n, 3, h, h) -> (n, 3, size, size)."""
    if images.shape[-1] == size:
        return images
    return F.interpolate(images, size=(size, size), mode="bilinear", antialias=True)


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
    parser.add_argument("--threads", type=int, default=2, help="of each worker")
    parser.add_argument("--workers", type=int, default=1, help="processes that average their weights")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        stage = read_stage(arguments.stage)
    except (OSError, TypeError, ValueError) as error:
        parser.exit(1, f"{arguments.stage} describes no stage: {error}\n")
    try:
        train_together(stage, arguments.cache, arguments.out, arguments.workers, arguments.threads)
    except (ModelError, FileNotFoundError) as error:
        parser.exit(1, f"{error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "Interrupted: the same command goes on from the last checkpoint.\n")


def train_together(stage: Stage, cache: Path, out: Path, workers: int, threads: int = 1) -> Path:
    """Run or resume one stage in several processes, or in this one if one is enough; see `train`.

    Args:
        threads: of each worker.
    Raises:
        TrainingError: what `train` raises, of whichever worker.
    """
    if workers == 1:
        torch.set_num_threads(threads)
        return train(stage, cache, out)
    write_half_sizes(cache)
    work_together(_work, (stage, cache, out, threads), workers)
    return out / f"{stage.name}.pt"


def _work(crew: Alone, stage: Stage, cache: Path, out: Path, threads: int) -> None:
    torch.set_num_threads(threads)
    train(stage, cache, out, crew=crew)


if __name__ == "__main__":
    main()
