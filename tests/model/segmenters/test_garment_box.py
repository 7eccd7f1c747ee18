"""The box around a garment: all of it, and no speck beside it."""

import numpy as np
import pytest

from Data.sample import SAMPLE_CATEGORIES, draw_product
from Model.segmenters.on_white import SURE, garment_box


@pytest.mark.parametrize("category", [slug for slug, _ in SAMPLE_CATEGORIES])
def test_the_box_holds_a_drawn_garment_and_hardly_more(category: str) -> None:
    """Whatever its shape: sleeves, hems and handles are part of a garment."""
    mask = draw_product(category, 1, seed=3).mask
    sure = mask >= SURE
    box = garment_box(mask)
    assert box is not None
    height, width = mask.shape
    left, top = round(box.x * width), round(box.y * height)
    right, bottom = round((box.x + box.w) * width), round((box.y + box.h) * height)
    assert sure[top:bottom, left:right].sum() >= 0.99 * sure.sum()
    ys, xs = np.nonzero(sure)
    assert box.w * width <= np.ptp(xs) + 1 and box.h * height <= np.ptp(ys) + 1


def test_a_speck_does_not_widen_the_box() -> None:
    mask = np.zeros((200, 100), np.uint8)
    mask[50:150, 20:80] = 255
    without = garment_box(mask)
    mask[2:4, 2:4] = 255
    assert garment_box(mask) == without
    assert without is not None and (without.x, without.y, without.w, without.h) == (0.2, 0.25, 0.6, 0.5)


def test_nothing_has_no_box() -> None:
    assert garment_box(np.full((10, 10), SURE - 1, np.uint8)) is None
