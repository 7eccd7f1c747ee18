"""The guided filter, against a ridge regression in every window, one window after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch")

from Model.training.guided_filter import SHRINK, GuidedFilter  # noqa: E402

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = pytest.mark.torch

Array = npt.NDArray[np.float64]


def made_smaller(x: Array) -> Array:
    height, width = (side // SHRINK for side in x.shape[:2])
    return x.reshape(height, SHRINK, width, SHRINK, -1).mean(axis=(1, 3))


def enlarged(x: Array) -> Array:
    """Return x with each side `SHRINK` times as long, linear between the middles of its pixels."""
    for axis in (0, 1):
        places = (np.arange(x.shape[axis] * SHRINK) + 0.5) / SHRINK - 0.5
        places = places.clip(0, x.shape[axis] - 1)
        first = np.floor(places).astype(int)
        second = (first + 1).clip(max=x.shape[axis] - 1)
        share = (places - first).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
        x = x.take(first, axis) * (1 - share) + x.take(second, axis) * share
    return x


def filtered_slowly(mask: Array, picture: Array, radius: int, epsilon: float) -> Array:
    small_mask, small = made_smaller(mask[:, :, None])[:, :, 0], made_smaller(picture)
    height, width = small_mask.shape
    windows = {
        (y, x): np.s_[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        for y in range(height)
        for x in range(width)
    }
    fits = np.zeros((height, width, 4))
    for place, window in windows.items():
        colours, values = small[window].reshape(-1, 3), small_mask[window].ravel()
        # Ridge regression as least squares: three more rows that pull the slopes to 0.
        rows = np.concatenate([colours - colours.mean(axis=0), np.sqrt(len(values) * epsilon) * np.eye(3)])
        slopes = np.linalg.lstsq(rows, np.concatenate([values - values.mean(), np.zeros(3)]), rcond=None)[0]
        fits[place] = *slopes, values.mean() - slopes @ colours.mean(axis=0)
    means = np.zeros_like(fits)
    for place, window in windows.items():
        means[place] = fits[window].reshape(-1, 4).mean(axis=0)
    large = enlarged(means)
    return ((large[:, :, :3] * picture).sum(axis=2) + large[:, :, 3]).clip(0, 1)


def tensors(mask: Array, picture: Array) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(mask)[None, None].float(), torch.from_numpy(picture).permute(2, 0, 1)[None].float()


@pytest.mark.parametrize("grey", [False, True])
def test_it_is_a_ridge_regression_in_every_window(grey: bool) -> None:
    random = np.random.default_rng(4)
    picture = random.random((40, 32, 3))
    if grey:  # three equal colours: a system of equations of rank one, but for epsilon
        picture[:] = picture[:, :, :1]
    mask = random.random((40, 32))
    with torch.no_grad():
        found = GuidedFilter(2, 1e-3)(*tensors(mask, picture))[0, 0].numpy()
    assert np.abs(found - filtered_slowly(mask, picture, 2, 1e-3)).max() < 1e-4


def test_a_blurred_mask_beside_its_garment_moves_to_the_edge() -> None:
    down, across = np.mgrid[:160, :160]
    garment = np.hypot(down - 80, across - 80) < 50
    picture = np.where(garment[:, :, None], (0.6, 0.2, 0.2), (0.5, 0.5, 0.4))
    picture += np.random.default_rng(5).normal(0, 0.02, picture.shape)
    blurred = 1 / (1 + np.exp((np.hypot(down - 83, across - 78) - 53) / 3))
    with torch.no_grad():
        found = GuidedFilter()(*tensors(blurred, picture))[0, 0].numpy()

    def iou(mask: Array) -> float:
        return float((garment & (mask > 0.5)).sum() / (garment | (mask > 0.5)).sum())

    assert iou(blurred) < 0.9 < 0.95 < iou(found)


def test_a_plain_picture_leaves_a_plain_mask_as_it_is() -> None:
    plain = np.full((32, 32, 3), 0.7)
    with torch.no_grad():
        for value in (0.0, 0.3, 1.0):
            found = GuidedFilter()(*tensors(np.full((32, 32), value), plain))
            assert torch.allclose(found, torch.full_like(found, value), atol=1e-5)
