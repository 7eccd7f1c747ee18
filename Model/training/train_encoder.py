"""Train the encoder, or tune a teacher, for one stage: one picture size, one mix of pictures, one learning rate curve.

A stage starts from nothing, from another stage's checkpoint, or from its own last checkpoint when it was cut short.
The teacher is the same network with an ImageNet trunk: tuned first with the same losses, then imitated on the very
views that the student sees. A stage with `blocks` imitates one or two teachers block by block instead (blockwise.py).
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from Model.errors import ModelError
from Model.training.blockwise import BlockTeachers
from Model.training.checkpoints import read_checkpoint, refuse_another_stage
from Model.training.crew import Alone, work_together
from Model.training.datasets import PictureSet, make_vocabulary, write_half_sizes
from Model.training.lesson import Teachers
from Model.training.run import BlockRun, Run
from Model.training.samples import Sampler, Stock
from Model.training.stage import Stage, read_stage

log = logging.getLogger(__name__)

AGREE_EVERY = 12
"""Steps between two meetings of a crew."""

LOG_EVERY = 20
"""Steps between two lines of the log."""

SETS = ("photos", "street", "shop", "garments", "worn")


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
    saved = read_checkpoint(path) if path.exists() else None
    if saved is not None:
        refuse_another_stage(saved["stage"], stage, path)
        if saved["done"]:
            return path
    vocabulary = make_vocabulary([r for r in json.loads((cache / "shop.json").read_text()) if r["split"] == "train"])
    drawn = [(name, count) for name, count in zip(SETS, stage.mix, strict=False) if count]
    sets = [(PictureSet(cache, name, vocabulary), count) for name, count in drawn]
    judged = [stage.judge, *(source.name for source, _ in sets if source.name == "worn")]
    validation = [PictureSet(cache, name, vocabulary, split="val") for name in dict.fromkeys(judged)]
    teacher = Teachers(stage.teachers) if stage.teachers and stage.blocks is None else None
    # The same pictures for every member of a crew.
    looks = Sampler(stage, sets, None, stage.seed)
    run = (
        Run(stage, vocabulary, teacher, saved)
        if stage.blocks is None
        else BlockRun(stage, vocabulary, BlockTeachers(stage.teachers), looks, saved)
    )
    if saved is None and stage.ceiling is not None:
        run.measure_limits(looks, stage.ceiling)
    # A resumed stage draws on from another seed rather than seeing its first batches again.
    seed = stage.seed * 1000 + run.step + 500_000 * crew.rank
    sampler = Sampler(stage, sets, teacher, seed)
    stock = Stock(lambda: run.prepare(sampler()), stage.passes, seed)

    def check() -> None:
        for source in validation:
            report = run.validate(source)
            position = {"step": run.step, "spent": round(run.spent), "set": source.name}
            _log(out / f"{stage.name}.jsonl", position | report)

    last_save = last_check = time.monotonic()
    run.begin()
    began = time.monotonic()
    while True:
        progress = run.progress
        if run.step % AGREE_EVERY == 0:
            crew.average([run.network, run.objective])
            progress = crew.agree(progress)
        elif crew.size > 1:
            progress = min(progress, 0.999)  # only agreed ends count
        if progress >= 1:
            break
        parts = run.learn(stock.next(), progress)
        run.spent, began = run.spent + time.monotonic() - began, time.monotonic()
        if crew.rank:
            continue
        if run.step % LOG_EVERY == 0:
            line = {name: round(value, 3) for name, value in parts.items()}
            rate = run.optimiser.param_groups[1]["lr"]
            log.info("%s step %d %.0fs rate %.2g %s", stage.name, run.step, run.spent, rate, line)
        if time.monotonic() - last_save > save_every_s:
            run.save(path, done=False)
            last_save = began = time.monotonic()
        if on_step is not None:
            on_step(run.step)
        if time.monotonic() - last_check > check_every_s:
            check()
            last_check = began = time.monotonic()
    if crew.rank == 0:
        check()
        if stage.back:
            run.move_back()
            check()
        run.save(path, done=True)
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
