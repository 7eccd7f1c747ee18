"""Mask IoU of a predictor on the validation pictures: street photos, garment crops, composites, drawings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from Model.training.mask_data import MaskSets, Pixels, foreground
from Model.training.mask_sampler import MaskSampler

Predict = Callable[[Pixels], npt.NDArray[np.float32]]
SIDE = 320


def mask_iou(predicted: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> float:
    """Return intersection over union of two masks of one shape; 1 where both are empty."""
    union = np.logical_or(predicted, truth).sum()
    return float(np.logical_and(predicted, truth).sum() / union) if union else 1.0


def validation_pictures(sets: MaskSets, kind: str, count: int) -> Iterator[tuple[Pixels, Pixels]]:
    """Yield up to ``count`` pictures (320, 320, 3) and masks (320, 320), the same ones at every call.

    Args:
        kind: "street" (whole photos), "crop" (one garment crop of each), "composite" (of held-back cut-outs),
            "drawing" (of held-back drawings; none without any).
    Raises: ValueError: another kind.
    """
    sampler = MaskSampler(sets, seed=20, validation=True, drawn=1.0 if kind == "drawing" else 0.0)
    whole = (0.0, 0.0, 1.0, 1.0)
    if kind == "drawing" and not sampler.drawn:
        return
    if kind in ("composite", "drawing"):
        for _ in range(count):
            yield sampler.composite(SIDE)
        return
    if kind not in ("street", "crop"):
        raise ValueError(f"unknown kind {kind!r}: street, crop, composite or drawing")
    for index in sampler.street[:count]:
        if kind == "street":
            yield sampler.resized(sets.street[index], foreground(sets.street_tags[index]), whole, SIDE)
        else:
            box = sampler.box_around(sampler.garment_of(int(index)))
            yield sampler.resized(sets.street[index], foreground(sets.street_tags[index]), box, SIDE)


def validation_iou(predict: Predict, sets: MaskSets, *, count: int = 1000) -> dict[str, float]:
    """Return the mean mask IoU over pictures for each kind of validation picture.

    Args:
        predict: (n, 320, 320, 3) uint8 to (n, 320, 320) probabilities.
        count: pictures of each kind, at most.
    """
    found: dict[str, float] = {}
    for kind in ("street", "crop", "composite", "drawing"):
        scores: list[float] = []
        most = min(count, 200) if kind in ("composite", "drawing") else count
        for picture, mask in validation_pictures(sets, kind, most):
            scores.append(mask_iou(predict(picture[None])[0] > 0.5, mask > 127))
        if scores:
            found[kind] = float(np.mean(scores))
    return found


def bare_background_rate(predict: Predict, sets: MaskSets, *, count: int, min_coverage: float) -> float:
    """Return the share of pictures without a garment whose mask covers too little to be one, as it should.

    Args:
        predict: (n, 320, 320, 3) uint8 to (n, 320, 320) probabilities.
        count: bare backgrounds made of held-back photos.
        min_coverage: share of the picture, 0 .. 1.
    """
    sampler = MaskSampler(sets, seed=21, validation=True)
    covered = [float((predict(sampler.background(SIDE)[None])[0] > 0.5).mean()) for _ in range(count)]
    return float(np.mean(np.array(covered) < min_coverage))
