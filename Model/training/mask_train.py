"""Train the garment mask network on the published sets, on CPU cores, resumable at any moment.

``python -m Model.training.mask_train --data DIR --out DIR [--encoder FILE | --again FILE | --onward] [--drawings DIR]``

1. A head on frozen teacher features learns masks and labels the photos that have none (mask_teacher.py); if asked, the
   whole teacher is then tuned and labels them again (mask_tuned.py).
2. The trunk, which begins as the encoder's first stages, learns masks at its own size from stocks of views
   (mask_views.py).
3. The same, but its enlarged mask is compared with views at full size.

The learning rate falls along a cosine that follows the share of the budget that is spent, so that a run of any length
ends annealed. Several workers train one network and average their weights now and then (crew.py).
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from Model.errors import ModelError
from Model.training.crew import Alone, work_together
from Model.training.mask_begin import CHECKPOINT, encoder_state, write_served
from Model.training.mask_data import read_sets
from Model.training.mask_labels import SOFT_MASKS, Tuning, improve_labels, label_photos
from Model.training.mask_loss import learning_rate
from Model.training.mask_metrics import validation_iou
from Model.training.mask_net import predict, read_checkpoint
from Model.training.mask_sampler import MaskSampler
from Model.training.mask_state import Training
from Model.training.mask_views import ViewStock

log = logging.getLogger(__name__)

REPORT_EVERY_S = 240
AGREE_EVERY = 12
"""Steps between two meetings of a crew."""


@dataclass(frozen=True)
class Plan:
    """How much of everything a run does.

    Args:
        trunk: (until which share of the budget, side in px) of the stages in which the trunk trains alone; it is
            served at `mask_net.trunk_side` of ``side``.
        side: of the full picture in px.
        trunk_batch, batch: pictures in a step of the trunk alone and at full size.
        stock, passes: views in a stock, and how often each is seen.
        rate: the highest learning rate.
        teacher_views, teacher_epochs: of the teacher's head.
        limit: pictures of each kind to read; None reads all.
    """

    trunk: tuple[tuple[float, int], ...] = ((0.75, 192),)
    side: int = 320
    trunk_batch: int = 16
    batch: int = 12
    stock: int = 2400
    passes: int = 4
    rate: float = 2e-3
    teacher_views: int = 2400
    teacher_epochs: int = 5
    limit: int | None = None


SMOKE = Plan(
    trunk=((0.5, 32),),
    side=64,
    trunk_batch=4,
    batch=2,
    stock=16,
    passes=1,
    teacher_views=16,
    teacher_epochs=1,
    limit=10,
)


def run(
    data_dir: Path,
    out_dir: Path,
    *,
    teachers: Path,
    encoder: Path | None = None,
    again: Path | None = None,
    onward: bool = False,
    drawings: Path | None = None,
    tuning: Tuning | None = None,
    back: float = 0.0,
    threads: int = 1,
    workers: int = 1,
    seed: int = 7,
    minutes: float = 60.0,
    steps: int | None = None,
    plan: Plan | None = None,
) -> Path:
    """Train, or go on from the checkpoint in `out_dir`; return its path.

    The checkpoint's averaged weights are what mask_publish exports.

    Args:
        data_dir: folder with the three archives.
        out_dir: where the checkpoint, the teacher's head and the soft masks go.
        teachers: folder with the TFLite classifiers.
        encoder: checkpoint that the network begins as; None for the shipped encoder.
        again: checkpoint of an earlier run, in another folder, that this one goes on from, with soft masks that it
            has improved; None to begin as the encoder.
        onward: go on from the shipped mask, as if it were such a checkpoint, with the teacher's soft masks.
        drawings: folder of drawn cut-outs; None for none.
        tuning: of the teacher as a whole; None for its head alone.
        back: how far the result is moved back, in a straight line, to the network that the run went on from: 0 to 1.
            A part of the way is often better than either end (Wortsman et al. 2022, https://arxiv.org/abs/2109.01903).
        threads: of each worker.
        workers: processes that train together.
        minutes: the budget after the teacher is ready; what an interrupted run has spent counts when it resumes.
        steps: a budget of optimiser steps instead of minutes.
    Raises:
        FileNotFoundError: an archive, the teacher, the encoder or the drawings are missing.
        CheckpointInvalid: the checkpoint to go on from is of another format, or cannot be read.
        TrainingError: any of these, found by one of several workers.
    """
    if onward:
        again = out_dir / "served" / CHECKPOINT
    job = Job(
        data_dir,
        out_dir,
        teachers,
        encoder,
        again,
        onward,
        drawings,
        tuning,
        back,
        threads,
        seed,
        minutes,
        steps,
        plan or Plan(),
    )
    out_dir.mkdir(parents=True, exist_ok=True)
    for checkpoint in (again, out_dir / CHECKPOINT):
        if checkpoint is not None and (checkpoint.exists() or (checkpoint == again and not onward)):
            read_checkpoint(checkpoint)  # refused before any worker starts
    if workers == 1:
        return train(job, Alone())
    work_together(_work, (job,), workers)
    return out_dir / CHECKPOINT


@dataclass(frozen=True)
class Job:
    """What `run` was asked, as every worker is told."""

    data_dir: Path
    out_dir: Path
    teachers: Path
    encoder: Path | None
    again: Path | None
    onward: bool
    drawings: Path | None
    tuning: Tuning | None
    back: float
    threads: int
    seed: int
    minutes: float
    steps: int | None
    plan: Plan


def _work(crew: Alone, job: Job) -> None:
    train(job, crew)


def train(job: Job, crew: Alone) -> Path:
    """Be one worker of a run; see `run`."""
    plan = job.plan
    torch.set_num_threads(job.threads)
    sets = read_sets(job.data_dir, drawings=job.drawings, limit=plan.limit)
    if crew.rank == 0:
        torch.set_num_threads(job.threads * crew.size)
        if job.again is None or job.onward:
            labelled = job.out_dir if job.again is None else job.again.parent
            labelled.mkdir(exist_ok=True)
            label_photos(
                job.teachers, labelled, sets,
                views=plan.teacher_views, epochs=plan.teacher_epochs, seed=job.seed, tuning=job.tuning,
            )  # fmt: skip
        if job.onward and job.again is not None:
            write_served(job.again.parent, sets)
        if job.again is not None:
            improve_labels(job.again, job.out_dir, sets)
        torch.set_num_threads(job.threads)
    crew.agree(0.0)  # the others wait for the labels
    sets.load_soft_masks(job.out_dir / SOFT_MASKS)
    resumes = (job.out_dir / CHECKPOINT).exists()
    begin = None if resumes or job.again is not None else encoder_state(sets, job.encoder)
    training = Training(job.out_dir, job.seed, begin)
    if job.again is not None:
        training.go_on_from(job.again)
    if training.load():
        log.info("resumed at step %d after %.0f s", training.progress.step, training.progress.seconds)
    progress = training.progress
    seed = job.seed + progress.step + 500_000 * crew.rank
    sampler = MaskSampler(sets, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    training.net.train()
    stock: Iterator[tuple[Tensor, Tensor]] = iter(())
    seen, losses, began, reported = 0, [], time.monotonic() - progress.seconds, time.monotonic()
    share, stocked = 0.0, 0
    first = progress.step
    while True:
        if (progress.step - first) % AGREE_EVERY == 0 or job.steps is not None:
            crew.average([training.net])
            progress.seconds = time.monotonic() - began
            spent = progress.step / job.steps if job.steps is not None else progress.seconds / (60 * job.minutes)
            share = crew.agree(spent)
        if share >= 1:
            break
        whole = share >= plan.trunk[-1][0]
        side = plan.side if whole else next(side for until, side in plan.trunk if share < until)
        batch = next(stock, None) if stocked == side else None
        if batch is None:
            count = plan.stock // 4 if whole else plan.stock  # larger ones, for a shorter time
            size = plan.batch if whole else plan.trunk_batch
            stock, stocked = ViewStock(sampler, max(count, size), side).passes(plan.passes, size, generator), side
            batch = next(stock)
        rate = learning_rate(plan.rate, share, progress.step)
        losses.append(training.learn(training.net if whole else training.net.trunk, *batch, rate))
        seen += len(batch[0])
        if crew.rank == 0 and time.monotonic() - reported > REPORT_EVERY_S:
            took = time.monotonic() - reported
            figures = validation_iou(partial(predict, training.average), sets, count=40)
            log.info(
                "step %d share %.2f loss %.3f, %.1f pictures/s of a worker, IoU %s",
                progress.step, share, np.mean(losses), seen / took, {k: round(v, 4) for k, v in figures.items()},
            )  # fmt: skip
            training.save()
            seen, losses, reported = 0, [], time.monotonic()
    if crew.rank == 0:
        if job.back and job.again is not None:
            training.move_back(job.again, job.back)
        training.save()
    return training.file


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--teachers", type=Path, help="folder of the TFLite classifiers; DATA/../models/teachers")
    parser.add_argument("--out", type=Path, required=True)
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--encoder", type=Path, help="checkpoint to begin as; the shipped encoder")
    begin.add_argument("--again", type=Path, help="checkpoint of an earlier run to go on from, at half its rate")
    begin.add_argument("--onward", action="store_true", help="go on from the shipped mask, at half the rate")
    parser.add_argument("--drawings", type=Path, help="folder written by python -m Data.sample.cut_outs")
    parser.add_argument(
        "--tune-teacher", type=float, default=0.0, metavar="MINUTES", help="tune the teacher as a whole"
    )
    parser.add_argument("--teacher-trunk", type=Path, help="checkpoint of a tuned encoder teacher that it begins as")
    parser.add_argument(
        "--back",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="move the result back to what it went on from",
    )
    parser.add_argument("--threads", type=int, default=1, help="of each worker")
    parser.add_argument("--workers", type=int, default=1, help="processes that average their weights")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--short", action="store_true", help="a tenth of the minutes")
    parser.add_argument("--smoke", action="store_true", help="four steps on a few pictures")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if asked.again and asked.tune_teacher:
        parser.error(
            "--tune-teacher labels photos that --again has labels of: use it with --onward or at the beginning"
        )
    if asked.teacher_trunk and not asked.tune_teacher:
        parser.error("--teacher-trunk is what --tune-teacher begins as: give its minutes, too")
    if not 0 <= asked.back < 1 or (asked.back and not (asked.again or asked.onward)):
        parser.error("--back is a share of the way to what --again or --onward goes on from: at least 0, less than 1")
    try:
        run(
            asked.data,
            asked.out,
            teachers=asked.teachers or asked.data.resolve().parent / "models" / "teachers",
            encoder=asked.encoder,
            again=asked.again,
            onward=asked.onward,
            drawings=asked.drawings,
            tuning=Tuning(asked.tune_teacher, asked.teacher_trunk),
            back=asked.back,
            threads=asked.threads,
            workers=asked.workers,
            seed=asked.seed,
            minutes=asked.minutes / 10 if asked.short else asked.minutes,
            steps=4 if asked.smoke else None,
            plan=SMOKE if asked.smoke else Plan(rate=1e-3) if asked.again or asked.onward else None,
        )
    except (ModelError, FileNotFoundError) as error:
        parser.exit(1, f"{error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "Interrupted: the same command goes on from the last checkpoint.\n")


if __name__ == "__main__":
    main()
