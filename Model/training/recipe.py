"""The whole chain, from the published tars to the three served folders, with one seed; resumable at any moment.

    python -m Model.training.recipe --data DIR --out DIR [--drawings DIR] [--short | --smoke | --onward] [--threads N]

DIR holds the three tars, and beside it ../models/teachers the ImageNet teachers (or --teachers); the drawings are
written by `python -m Data.sample.cut_outs`. Every step leaves a file in OUT; a step whose file is complete is not done
again, a step that was cut short goes on from its checkpoint. OUT belongs to one plan and one seed; another is refused.

1. cache: every picture decoded once.
2. teachers: two ImageNet MobileNetV2, tuned with the encoder's own losses.
3. encoder: a ResNet34 that learns from random numbers what both teachers' blocks do (blockwise.py), first each block
   given their maps, then all together, also on the photos cut out by the mask network; then heads on the labels.
4. mask: the garment mask (mask_train.py), half-way, because it begins as the encoder of that time and the last stages
   learn from its masks.
5. export: ONNX, int8, cards; then the classifier on the served encoder's vectors.

With --onward the encoder starts from the shipped weights instead of random ones, and the shipped mask is used as it is:
two teachers are tuned on the photos as served, each goes on as the pupil of both, and the encoder's blocks learn what
those of these two do.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch

from Model.encoders import load_encoder
from Model.errors import CheckpointInvalid, ModelError
from Model.segmenters import load_segmenter
from Model.training import mask_publish, mask_train
from Model.training.augment import AS_SENT, Strength
from Model.training.cache import ARCHIVES, build_cache, build_garments, build_worn
from Model.training.files import written_whole
from Model.training.losses import Weights
from Model.training.publish_encoder import SOURCE, publish_encoder
from Model.training.shipped_classifier import train_shipped_classifier
from Model.training.stage import Stage
from Model.training.train_encoder import train_together
from Model.training.warm_start import write_checkpoint
from Model.weights import find_model

log = logging.getLogger(__name__)

TEACHER_FILES = ("tf2_mobilenet_v2_1.0_224_ptq.tflite", "mobilenet_v2_1.0_224_quant.tflite")

# A teacher is not taught; it already sees colours and textures, so the category counts more.
TUNE = Weights(teacher=0, type=0.1, tag=0.1, words=0.1, colour=0.2, instance_contrast=0.1)
# Unless others, tuned before it, teach it.
TAUGHT = replace(TUNE, category=0.7, teacher=2.0, teacher_category=3.0, hints=0.0)
# Title words have large losses at first, which would drown the rest.
LEARN = Weights(words=0.04, type=0.2, colour=0.2, tag=0.2)

# What blocks learn beside the teachers' maps: the teachers do not know the very garment (docs/experiments.md, 68).
VERY_GARMENT = Weights(
    category=0.0, type=0.0, colour=0.0, gender=0.0, tag=0.0, words=0.0, supervised_contrast=0.0, hints=0.0,
    instance_contrast=0.5, temperature=0.07, memory=4096,
)  # fmt: skip

CEILING = 0.998
"""Share of an activation's values that the last stage leaves as they are; see limits.py."""

MASK_MINUTES = 16.0
"""Of the garment mask's training in a full run."""

PLAN = "plan.json"
"""What OUT was begun with."""

SERVED = "served.pt"
"""The shipped encoder as a checkpoint; see warm_start.py."""


@dataclass(frozen=True)
class MaskPlan:
    """How much of the garment mask a run does.

    Args:
        minutes: of training, after the teacher is ready.
        network: its stages, batches and teacher.
        steps: a budget of optimiser steps instead of minutes.
        limit: pictures of each kind to read for the export; None reads all.
        count: validation pictures of each kind.
    """

    minutes: float
    network: mask_train.Plan = field(default_factory=mask_train.Plan)
    steps: int | None = None
    limit: int | None = None
    count: int = 1000


@dataclass(frozen=True)
class Plan:
    """How much of everything a run does.

    Args:
        teachers: the stages that tune the teachers, in this order; `arch` names one of TEACHER_FILES. In every stage,
            `start` and `teachers` name checkpoints of earlier ones.
        before_mask: stages of the encoder that need no masks of photos.
        after_mask: stages that also see the photos cut out.
        mask: the mask network; None for the shipped one.
        input_size: side of the served encoder's input in px.
        classifier_views: random views of each training photo for the classifier, besides its plain ones.
    """

    teachers: tuple[Stage, ...]
    before_mask: tuple[Stage, ...]
    after_mask: tuple[Stage, ...]
    mask: MaskPlan | None
    input_size: int = 160
    classifier_views: int = 2

    @property
    def minutes(self) -> float:
        """Minutes of training, without caches and exports."""
        stages = (*self.teachers, *self.before_mask, *self.after_mask)
        return sum(stage.minutes for stage in stages) + (self.mask.minutes if self.mask else 0)


def full_plan(seed: int, share: float = 1.0) -> Plan:
    """Return the plan of a full run: about two hours on two cores, a quarter of them for what surrounds the training.

    Args:
        share: of the full time of training.
    """

    def minutes(full: float) -> float:
        return full * share

    tune = Stage(
        name="", size=144, steps=100_000, minutes=minutes(11), mix=(16, 6, 6), rate=2e-3, trunk_rate=0.25,
        average=0.99, decay=0.02, warmup=20, weights=TUNE,
    )  # fmt: skip
    names, tuned = _tuned(tune, seed)
    learn = Stage(
        name="", size=160, steps=100_000, mix=(3, 2, 3, 8), mixed=8, passes=2, teachers=names, judge="garments",
        decay=0.01, average=0.985, warmup=10, seed=seed, weights=VERY_GARMENT, strength=AS_SENT, blocks=(0, 0),
    )  # fmt: skip
    before = replace(learn, name="forced", minutes=minutes(15), mix=(6, 4, 6), judge="photos", rate=4e-3,
                     rate_end=0.05, warmup=30, average=0.98, blocks=(0.6, 0.9))  # fmt: skip
    after = (
        replace(learn, name="together", minutes=minutes(14), start="forced.pt", rate=1e-3, rate_end=0.3),
        replace(learn, name="last", minutes=minutes(19), start="together.pt", rate=0.8e-3, ceiling=CEILING),
        _heads(seed, names, size=160, minutes=minutes(2), start="last.pt"),
    )
    return Plan(tuned, (before,), after, MaskPlan(minutes(MASK_MINUTES)))


def _tuned(tune: Stage, seed: int) -> tuple[tuple[str, ...], tuple[Stage, ...]]:
    """Return both teachers' checkpoints, and the stages that tune them."""
    numbered = list(enumerate(TEACHER_FILES, start=1))
    stages = tuple(replace(tune, name=f"teacher{at}", arch=file, seed=seed + at) for at, file in numbered)
    return tuple(f"{stage.name}.pt" for stage in stages), stages


def _heads(seed: int, teachers: tuple[str, ...], size: int, minutes: float, start: str) -> Stage:
    """Return the stage that fits heads to a trunk that rests: publishing needs names, which blocks do not learn."""
    return Stage(
        name="heads", size=size, steps=100_000, minutes=minutes, mix=(5, 4, 8, 15), rate=3e-3, rate_end=0.1,
        trunk_rate=0.0, rest="layer1", average=0.95, warmup=5, start=start, teachers=teachers, teacher_size=size,
        teach_both=True, passes=2, judge="garments", seed=seed, weights=replace(LEARN, hints=0.0), strength=AS_SENT,
    )  # fmt: skip


def short_plan(seed: int) -> Plan:
    """Return the plan of a run of twenty minutes: a twelfth of the training, and less of what surrounds it."""
    share = 1 / 12
    mask = MaskPlan(MASK_MINUTES * share, mask_train.Plan(teacher_views=800, teacher_epochs=3), count=100)
    return replace(full_plan(seed, share), mask=mask, classifier_views=0)


def onward_plan(seed: int) -> Plan:
    """Return the plan that goes on from the shipped encoder, to its 224 px: an hour and a half of training."""
    tune = Stage(
        name="", size=168, steps=100_000, minutes=10, mix=(10, 4, 4, 10), rate=2e-3, trunk_rate=0.25, average=0.99,
        decay=0.02, warmup=20, judge="garments", weights=TUNE, strength=Strength(white=0.4),
    )  # fmt: skip
    names, tuned = _tuned(tune, seed)
    # Each taught by both, on pictures that only they can name, is as good as both (Furlanello et al. 2018).
    born_again = tuple(
        replace(
            one, name=f"again{at}", size=208, teacher_size=208, minutes=9, start=names[at - 1], teachers=names,
            passes=2, teach_both=True, mixed=14, rate=1e-3, warmup=10, seed=seed + 2 + at, weights=TAUGHT,
        )
        for at, one in enumerate(tuned, start=1)
    )  # fmt: skip
    names = tuple(f"{stage.name}.pt" for stage in born_again)
    onward = Stage(
        name="onward", size=224, steps=100_000, minutes=54, mix=(2, 1, 3, 8, 2), mixed=8, passes=2, teachers=names,
        judge="garments", rate=0.8e-3, decay=0.01, average=0.985, warmup=10, start=SERVED, seed=seed,
        weights=VERY_GARMENT, strength=AS_SENT, blocks=(0, 0),
    )  # fmt: skip
    heads = _heads(seed, names, size=224, minutes=3, start="onward.pt")
    return Plan((*tuned, *born_again), (), (onward, heads), mask=None, input_size=224)


def smoke_plan(plan: Plan) -> Plan:
    """Return a plan of a few steps of everything: it proves the chain, not the weights."""

    def tiny(stage: Stage) -> Stage:
        return replace(stage, steps=3, size=64, teacher_size=64, warmup=1, mix=tuple(min(n, 4) for n in stage.mix))

    stages = (plan.teachers, plan.before_mask, plan.after_mask)
    teachers, before, after = (tuple(map(tiny, each)) for each in stages)
    mask = None if plan.mask is None else MaskPlan(0.0, mask_train.SMOKE, steps=4, limit=4, count=4)
    return Plan(teachers, before, after, mask, input_size=64)


def run(
    data: Path,
    out: Path,
    teachers: Path,
    plan: Plan,
    threads: int,
    seed: int,
    drawings: Path | None = None,
) -> Path:
    """Run or resume the chain.

    Args:
        data: folder with the three tars.
        out: folder for the cache, the checkpoints, and `weights/` with the three model folders.
        teachers: folder with the ImageNet teachers.
        drawings: folder with drawn cut-outs for the mask; None for none.
    Returns:
        The weights folder.
    Raises:
        ModelError, FileNotFoundError: one sentence; what was finished stays.
    """
    wanted = [data / archive for archive in ARCHIVES]
    of_mask = TEACHER_FILES[:1] if plan.mask else ()
    wanted += [teachers / file for file in dict.fromkeys([*of_mask, *(stage.arch for stage in plan.teachers)])]
    for file in wanted:
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing: give the folder of the public sets, and that of the teachers.")
    _claim(out, plan, seed)
    torch.set_num_threads(threads)
    cache, checkpoints, weights = out / "cache", out / "checkpoints", out / "weights"
    build_cache(data, cache)
    if plan.mask is None:
        build_garments(data, cache, load_segmenter("rembg", None, threads), load_encoder("resnet34", None, threads))
    _train_all(tuple(replace(one, arch=str(teachers / one.arch)) for one in plan.teachers), cache, checkpoints, threads)
    half_way = _train_all(plan.before_mask, cache, checkpoints, threads)
    mask = weights / "garment-mask"
    if plan.mask is not None and not (mask / "card.json").exists():
        checkpoint = mask_train.run(
            data,
            out / "mask",
            teachers=teachers,
            encoder=half_way if plan.before_mask else None,
            drawings=drawings,
            workers=threads,
            seed=seed,
            minutes=plan.mask.minutes,
            steps=plan.mask.steps,
            plan=plan.mask.network,
        )
        mask_publish.publish(data, checkpoint, mask, drawings=drawings, limit=plan.mask.limit, count=plan.mask.count)
    segmenter = load_segmenter("rembg", weights, threads)
    build_garments(data, cache, segmenter)
    build_worn(data, cache, segmenter, seed)
    if any(stage.start == SERVED for stage in plan.after_mask) and not (checkpoints / SERVED).exists():
        write_checkpoint(find_model("resnet34"), cache, checkpoints / SERVED)
    last = _train_all(plan.after_mask, cache, checkpoints, threads)
    source = SOURCE if plan.before_mask else f"{SOURCE}, then with --onward"
    publish_encoder(last, cache, weights / "resnet34", plan.input_size, segmenter, threads, source)
    card = train_shipped_classifier(
        cache, weights / "resnet34", weights / "classifier", threads, seed, plan.classifier_views
    )
    log.info("done: %s holds the three models; classifier %s", weights, card.metrics)
    return weights


def _claim(out: Path, plan: Plan, seed: int) -> None:
    """Write down whose steps OUT holds, and refuse those of another plan: their files have the same names."""
    facts = json.dumps({"seed": seed, "plan": asdict(plan)}, indent=2) + "\n"
    note = out / PLAN
    if note.exists() and note.read_text(encoding="utf-8") != facts:
        raise CheckpointInvalid(f"{out} holds a run of another plan or seed: choose another --out, or delete it.")
    out.mkdir(parents=True, exist_ok=True)
    with written_whole(note) as part:
        part.write_text(facts, encoding="utf-8")


def _train_all(stages: tuple[Stage, ...], cache: Path, checkpoints: Path, workers: int) -> Path:
    """Run stages one after the other, and return the last one's checkpoint."""
    path = checkpoints
    for stage in stages:
        start = str(checkpoints / stage.start) if stage.start else None
        taught_by = tuple(str(checkpoints / name) for name in stage.teachers)
        path = train_together(replace(stage, start=start, teachers=taught_by), cache, checkpoints, workers)
    return path


def main() -> None:
    """Run the chain from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the three tars")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--teachers", type=Path, default=None, help="default: DATA/../models/teachers")
    parser.add_argument("--drawings", type=Path, default=None, help="folder written by python -m Data.sample.cut_outs")
    parser.add_argument("--threads", type=int, default=2, help="worker processes of one thread each")
    parser.add_argument("--seed", type=int, default=7)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--short", action="store_true", help="some 20 minutes on two cores")
    length.add_argument("--smoke", action="store_true", help="a few steps of everything")
    length.add_argument("--onward", action="store_true", help="from the shipped encoder, an hour and a half")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    seed = arguments.seed
    plan = onward_plan(seed) if arguments.onward else short_plan(seed) if arguments.short else full_plan(seed)
    if arguments.smoke:
        plan = smoke_plan(plan)
    teachers = arguments.teachers or arguments.data.parent / "models" / "teachers"
    try:
        run(
            arguments.data,
            arguments.out,
            teachers,
            plan,
            arguments.threads,
            seed,
            arguments.drawings,
        )
    except (ModelError, FileNotFoundError) as error:
        parser.exit(1, f"{error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "Interrupted: the same command goes on from the last checkpoint.\n")


if __name__ == "__main__":
    main()
