"""The measures of a picture's cleanness, each against a picture drawn to have or to lack it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from Data.cleanness import BACKGROUND, TOLERANCE, WEIGHTS, measure, median_level

SIZE = (300, 400)


def drawn(boxes: list[tuple[int, int, int, int]], noise: int = 0) -> tuple[Image.Image, NDArray[np.uint8]]:
    """Return striped garments on white, or on noise, with their mask."""
    rng = np.random.default_rng(0)
    pixels = np.full((SIZE[1], SIZE[0], 3), 250, np.uint8)
    pixels -= rng.integers(0, noise + 1, pixels.shape, np.uint8)
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    for left, top, right, bottom in boxes:
        mask[top:bottom, left:right] = 255
        pixels[top:bottom, left:right] = 90
        pixels[top:bottom:8, left:right] = 20
    return Image.fromarray(pixels), mask


ONE = [(80, 60, 220, 340)]


def test_a_clean_picture_has_nearly_every_measure_at_one() -> None:
    image, mask = drawn(ONE)
    found = measure(image, mask, (600, 800), found=True)
    assert set(found) == {*WEIGHTS, "clear", "score"}
    assert all(found[name] > 0.9 for name in ("single", "plain", "whole", "size", "clear", "score"))
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
    assert found["score"] == pytest.approx(sum(WEIGHTS[name] * found[name] for name in WEIGHTS), abs=1e-3)


@pytest.mark.parametrize(
    ("measured", "boxes", "noise", "expected"),
    [
        ("single", [(20, 60, 120, 340), (180, 60, 280, 340)], 0, 0.5),
        ("whole", [(0, 0, 300, 400)], 0, 0.0),
        ("plain", ONE, 200, 0.1),
    ],
)
def test_each_fault_lowers_its_measure_and_the_score(
    measured: str, boxes: list[tuple[int, int, int, int]], noise: int, expected: float
) -> None:
    clean = measure(*drawn(ONE), (600, 800), found=True)
    faulty = measure(*drawn(boxes, noise), (600, 800), found=True)
    assert faulty[measured] == pytest.approx(expected, abs=0.2)
    assert faulty["score"] < clean["score"] - 0.1


def test_blur_and_small_pictures_and_pictures_without_a_garment() -> None:
    image, mask = drawn(ONE)
    sharp = measure(image, mask, (600, 800), found=True)
    blurred = measure(image.filter(ImageFilter.GaussianBlur(4)), mask, (600, 800), found=True)
    assert blurred["sharp"] < 0.2 < sharp["sharp"]
    assert measure(image, mask, (60, 80), found=True)["size"] == 0.1
    nothing = measure(image, np.full_like(mask, 255), (600, 800), found=False)
    assert nothing["score"] < 0.1


def test_one_pixel_is_measured_too() -> None:
    image = Image.new("RGB", (1, 1))
    for found in (True, False):
        assert 0 <= measure(image, np.zeros((1, 1), np.uint8), (1, 1), found)["score"] <= 1


def test_a_mask_that_is_nowhere_certain_is_not_clear_and_a_soft_rim_or_a_thin_chain_is() -> None:
    image, mask = drawn(ONE)
    doubtful = np.where(mask > 0, 170, 0).astype(np.uint8)
    assert measure(image, doubtful, (600, 800), found=True)["clear"] == 0.0
    half = doubtful.copy()
    half[60:200, 80:220] = 255
    assert measure(image, half, (600, 800), found=True)["clear"] == pytest.approx(0.5, abs=0.02)
    soft = np.asarray(Image.fromarray(mask).filter(ImageFilter.GaussianBlur(3)))
    assert measure(image, soft, (600, 800), found=True)["clear"] > 0.9
    chain = np.zeros_like(mask)
    chain[100:104, 40:260] = 180
    assert measure(image, chain, (600, 800), found=True)["clear"] == 1.0
    assert measure(image, mask, (600, 800), found=False)["clear"] == 0.0


@pytest.mark.parametrize("count", [1, 2, 3, 10, 999, 1000])
def test_the_median_of_counted_levels_is_that_of_the_sorted_ones(count: int) -> None:
    levels = np.random.default_rng(count).integers(0, 256, count)
    assert median_level(np.bincount(levels, minlength=256)) == np.median(levels)


def test_plain_and_sharp_are_what_sorting_and_averaging_every_pixel_gives() -> None:
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (40, 30, 3), np.uint8)
    pixels[:, :15] = 200 + rng.integers(0, 40, (40, 15, 3), np.uint8)
    mask = np.zeros((40, 30), np.uint8)
    mask[5:35, 18:28] = 255
    found = measure(Image.fromarray(pixels), mask, (30, 40), found=True)
    outside = pixels[mask < BACKGROUND].astype(float)
    near = [np.abs(pixel - np.median(outside, axis=0)).max() <= TOLERANCE for pixel in outside]
    assert found["plain"] == round(sum(near) / len(near), 4)
    grey = pixels.astype(float).mean(axis=2)
    edges = [
        grey[y - 1, x] + grey[y + 1, x] + grey[y, x - 1] + grey[y, x + 1] - 4 * grey[y, x]
        for y, x in zip(*np.nonzero(mask), strict=True)
    ]
    assert found["sharp"] == pytest.approx(np.var(edges) / (np.var(edges) + 80), abs=1e-4)
