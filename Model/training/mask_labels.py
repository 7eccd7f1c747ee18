"""Soft masks of the photos that nobody masked: first a teacher's, then their mean with a trained network's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from Model.training import mask_tuned
from Model.training.files import written_whole
from Model.training.mask_data import MaskSets
from Model.training.mask_net import GarmentMaskNet, predict, read_checkpoint
from Model.training.mask_teacher import SOFT_SIDE, MaskTeacher, keep_soft_masks

SOFT_MASKS = "mask-soft-labels.npz"


@dataclass(frozen=True)
class Tuning:
    """How the mask's teacher is tuned as a whole, after its head; see mask_tuned.py.

    Args:
        minutes: the budget; 0 for the head alone.
        trunk: checkpoint of a teacher that train_encoder.py tuned, to begin as; None for the classifier itself.
        steps: a budget of steps instead of minutes.
        side: of its views in px.
    """

    minutes: float = 0.0
    trunk: Path | None = None
    steps: int | None = None
    side: int = mask_tuned.SIDE


def label_photos(
    teachers: Path, out_dir: Path, sets: MaskSets, *, views: int, epochs: int, seed: int, tuning: Tuning | None = None
) -> None:
    """Fit a teacher and write its soft masks of the photos without any, unless a run has done so.

    Args:
        teachers: folder with the TFLite classifiers.
        views, epochs: that the teacher's head is fitted with.
        tuning: of a second teacher, whose soft masks take the place of the first one's.
    """
    head, labels = out_dir / "mask-teacher-head.pt", out_dir / SOFT_MASKS
    if labels.exists():
        return
    teacher = MaskTeacher(teachers)
    if head.exists():
        teacher.head.load_state_dict(torch.load(head, weights_only=True))
        teacher.head.eval()
    else:
        teacher.fit(sets, views=views, epochs=epochs, seed=seed)
        with written_whole(head) as part:
            torch.save(teacher.head.state_dict(), part)
    teacher.label(sets)
    if tuning is not None and (tuning.minutes or tuning.steps):
        tuned = mask_tuned.tuned_teacher(
            teachers, out_dir, sets,
            trunk=tuning.trunk, minutes=tuning.minutes, steps=tuning.steps, seed=seed, side=tuning.side,
        )  # fmt: skip
        soft = [tuned.predict(sets.photos[at : at + 16], SOFT_SIDE) for at in range(0, len(sets.photos), 16)]
        keep_soft_masks(sets, np.concatenate(soft).astype(np.float32) / 255)
    write_labels(labels, sets)


def improve_labels(checkpoint: Path, out_dir: Path, sets: MaskSets) -> None:
    """Write the mean of the teacher's soft masks and a trained network's own, unless a run has done so.

    Each errs in its own way, so their mean is better than either; where they differ, the photo counts less.

    Args:
        checkpoint: of an earlier run; the teacher's soft masks lie beside it.
    """
    if (out_dir / SOFT_MASKS).exists():
        return
    sets.load_soft_masks(checkpoint.parent / SOFT_MASKS)
    if sets.pseudo is None:
        raise RuntimeError("no soft masks were read")
    net = GarmentMaskNet().to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    net.load_state_dict(read_checkpoint(checkpoint)["average"])
    side = sets.pseudo.shape[1]
    own = [
        F.adaptive_avg_pool2d(torch.from_numpy(predict(net, sets.photos[at : at + 16])), side).numpy()
        for at in range(0, len(sets.photos), 16)
    ]
    keep_soft_masks(sets, (np.concatenate(own) + sets.pseudo.astype(np.float32) / 255) / 2)
    write_labels(out_dir / SOFT_MASKS, sets)


def write_labels(file: Path, sets: MaskSets) -> None:
    """Write the soft masks and their weights in one step."""
    with written_whole(file) as part:
        np.savez(part, masks=np.asarray(sets.pseudo), weight=sets.pseudo_weight)
