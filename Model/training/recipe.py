"""The whole chain, from the published tars to the three served folders, with one seed; resumable at any moment.

    python -m Model.training.recipe --data DIR --out DIR [--drawings DIR] [--short | --smoke | --onward] [--threads N]

DIR holds the three tars, and beside it ../models/teachers the ImageNet teachers (or --teachers); the drawings are
written by `python -m Data.sample.cut_outs`. Every step leaves a file in OUT; a step whose file is complete is not done
again, a step that was cut short goes on from its checkpoint. OUT belongs to one plan and one seed; another is refused.

1. cache: every picture decoded once.
2. teacher: an ImageNet MobileNetV2, tuned with the encoder's own losses.
3. encoder: a ResNet18 at 64 and 96 px, taught by the tuned teacher and the labels; then, grown into a ResNet34, also
   with the photos cut out by the mask network, at 96, 112 and 160 px.
4. mask: the garment mask (mask_train.py), half-way, because it begins as the encoder of that time and the last stages
   learn from its masks.
5. export: ONNX, int8, cards; then the classifier on the served encoder's vectors.

With --onward the encoder starts from the shipped weights instead of random ones, and the shipped mask is used as it is:
two teachers are tuned on the photos as served, one of them goes on as the pupil of both, fresh heads are fitted to the
resting trunk, then everything is trained under the three.
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
from Model.training.augment import AS_SENT, CUT_OUT, Strength
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
        name="teacher", arch=TEACHER_FILES[0], size=144, steps=100_000, minutes=minutes(10), mix=(16, 6, 6),
        rate=2e-3, trunk_rate=0.25, average=0.99, decay=0.02, warmup=20, seed=seed, weights=TUNE,
    )  # fmt: skip
    learn = Stage(
        name="", arch="resnet18", steps=100_000, average=0.99, warmup=30, passes=2, teachers=("teacher.pt",),
        teacher_size=112, seed=seed, weights=LEARN,
    )  # fmt: skip
    before = (
        replace(learn, name="small", size=64, teacher_size=96, minutes=minutes(6), rate_end=0.6),
        replace(learn, name="medium", size=96, minutes=minutes(8), rate_end=0.4, start="small.pt"),
    )
    as_served = replace(learn, arch="resnet34", judge="garments", mix=(6, 4, 5, 17), teacher_size=144, strength=CUT_OUT)
    after = (
        replace(as_served, name="deep", size=96, minutes=minutes(10), rate=1.3e-3, rate_end=0.8, start="medium.pt"),
        replace(as_served, name="large", size=112, minutes=minutes(13), rate=1.3e-3, rate_end=0.5, start="deep.pt"),
        replace(as_served, name="last", size=160, minutes=minutes(26), rate=0.75e-3, rate_end=0.005, average=0.995,
                start="large.pt", strength=AS_SENT, ceiling=CEILING, teacher_size=160,
                weights=replace(LEARN, hints=0.7, instance_contrast=0.4, product_contrast=0.4, memory=4096)),
    )  # fmt: skip
    return Plan((tune,), before, after, MaskPlan(minutes(MASK_MINUTES)))


def short_plan(seed: int) -> Plan:
    """Return the plan of a run of twenty minutes: a twelfth of the training, and less of what surrounds it."""
    share = 1 / 12
    mask = MaskPlan(MASK_MINUTES * share, mask_train.Plan(teacher_views=800, teacher_epochs=3), count=100)
    return replace(full_plan(seed, share), mask=mask, classifier_views=0)


def onward_plan(seed: int) -> Plan:
    """Return the plan that goes on from the shipped encoder, to its 224 px: an hour and a half of training."""
    seen = Stage(name="", steps=100_000, judge="garments", seed=seed)
    tune = replace(
        seen, size=168, minutes=10, mix=(10, 4, 4, 10), rate=2e-3, trunk_rate=0.25, average=0.99, decay=0.02,
        warmup=20, weights=TUNE, strength=Strength(white=0.4),
    )  # fmt: skip
    names = ("teacher1.pt", "teacher2.pt")
    tuned = tuple(
        replace(tune, name=name.removesuffix(".pt"), arch=file, seed=seed + number)
        for number, (name, file) in enumerate(zip(names, TEACHER_FILES, strict=True), start=1)
    )
    # Taught by both, on pictures that only they can name, it is as good as both (Furlanello et al. 2018).
    born_again = replace(
        tuned[0], name="teacher3", size=208, teacher_size=208, minutes=9, start=names[0], teachers=names, passes=2,
        teach_both=True, mixed=14, rate=1e-3, warmup=10, seed=seed + 3, weights=TAUGHT,
    )  # fmt: skip
    on = replace(
        seen, size=192, teachers=(*names, "teacher3.pt"), teacher_size=192, passes=2, strength=AS_SENT, rest=True,
        teach_both=True,
    )  # fmt: skip
    fresh = replace(LEARN, hints=0.7, instance_contrast=0.4, product_contrast=0.4)
    # The teachers know the categories; what they do not know, the very garment, is contrasted on the side.
    taught = replace(
        LEARN, category=1.5, teacher=3.0, teacher_category=3.0, hints=0.5, type=0.1, tag=0.1, supervised_contrast=0.4,
        instance_contrast=0.35, product_contrast=0.3, memory=4096, temperature=0.07,
    )  # fmt: skip
    last = replace(taught, category=1.0, teacher=4.0, hints=0.3, type=0.05, tag=0.05)
    return Plan(
        teachers=(*tuned, born_again),
        before_mask=(),
        after_mask=(
            replace(on, name="heads", mix=(5, 4, 8, 15), minutes=3, start=SERVED, rate=3e-3, rate_end=0.1,
                    trunk_rate=0.0, average=0.95, warmup=5, weights=fresh, ceiling=CEILING),
            replace(on, name="onward", mix=(4, 4, 6, 18), minutes=36, start="heads.pt", back=0.5, rate=0.6e-3,
                    rate_end=0.1, average=0.997, weights=taught),
            replace(on, name="large", size=224, teacher_size=208, mix=(4, 4, 10, 14), mixed=10, minutes=27,
                    start="onward.pt", rate=0.2e-3, rate_end=0.01, average=0.99, warmup=10, weights=last),
        ),
        mask=None,
        input_size=224,
    )  # fmt: skip


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
