"""The strong view is fixed by key and seed, strong, and never empty."""

import numpy as np
import pytest
from PIL import Image

from Model.baselines import colour_histograms
from Model.transforms import strong_view


def picture(size: tuple[int, int] = (200, 300)) -> Image.Image:
    x = np.linspace(0, 255, size[0])[None, :, None]
    y = np.linspace(0, 255, size[1])[:, None, None]
    return Image.fromarray(np.concatenate(np.broadcast_arrays(x, y, (x + y) / 2), axis=2).astype(np.uint8))


def test_the_same_key_and_seed_give_the_same_view() -> None:
    image = picture()
    first = np.asarray(strong_view(image, "a.jpg", seed=1))
    assert np.array_equal(first, np.asarray(strong_view(image, "a.jpg", seed=1)))
    for key, seed in (("b.jpg", 1), ("a.jpg", 2)):
        other = np.asarray(strong_view(image, key, seed=seed))
        assert other.shape != first.shape or not np.array_equal(first, other)


@pytest.mark.parametrize("size", [(200, 300), (640, 480), (1, 1), (3, 500)])
def test_views_stay_within_the_written_ranges(size: tuple[int, int]) -> None:
    for number in range(12):
        view = strong_view(picture(size), f"{number}")
        assert view.mode == "RGB"
        assert 1 <= max(view.size) <= 400
        assert min(view.size) >= 1


def test_histogram_equals_a_slow_count() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    mask = np.random.default_rng(1).integers(0, 2, (6, 5), dtype=np.uint8) * 255
    slow = np.zeros(512)
    for y in range(6):
        for x in range(5):
            if mask[y, x]:
                red, green, blue = (int(value) // 32 for value in pixels[y, x])
                slow[red * 64 + green * 8 + blue] += 1
    slow = np.sqrt(slow)
    (row,) = colour_histograms([Image.fromarray(pixels)], [mask])
    np.testing.assert_allclose(row, slow / np.linalg.norm(slow), atol=1e-6)
