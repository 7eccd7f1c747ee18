"""What is kept of a picture's pixels, against the same counted one by one."""

import numpy as np
from PIL import Image

from Data.pixels import rgb_histogram


def test_the_histogram_counts_the_garments_pixels_in_sixteen_steps() -> None:
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (20, 30, 3), np.uint8)
    mask = rng.integers(0, 256, (20, 30), np.uint8)
    garment = [pixels[y, x] for y in range(20) for x in range(30) if mask[y, x] >= 128]
    found = rgb_histogram(Image.fromarray(pixels), mask)
    assert found is not None
    for channel, row in enumerate(found):
        counted = [sum(1 for pixel in garment if pixel[channel] // 16 == step) for step in range(16)]
        assert row == [round(value / len(garment), 4) for value in counted]


def test_a_mask_without_a_garment_has_no_histogram() -> None:
    assert rgb_histogram(Image.new("RGB", (4, 4)), np.full((4, 4), 127, np.uint8)) is None
