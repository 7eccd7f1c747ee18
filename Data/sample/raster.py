"""Outlines to coverage, and smooth fields: the few image operations that the drawing needs, on Pillow and NumPy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from Data.sample.geometry import Points

Field = npt.NDArray[np.float32]
WIDTH, HEIGHT = 480, 600
SUPERSAMPLE = 4


class Window:
    """A rectangle of the picture, in whole pixels: left, top, right, bottom (the last two exclusive)."""

    def __init__(self, left: int, top: int, right: int, bottom: int) -> None:
        self.left, self.top = max(0, left), max(0, top)
        self.right, self.bottom = max(self.left + 1, min(WIDTH, right)), max(self.top + 1, min(HEIGHT, bottom))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices of the picture."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grid(self, step: int = 1) -> tuple[Field, Field]:
        """Return x (1, w) and y (h, 1) of the pixel centres, every `step` pixels, in picture pixels."""
        height, width = self.shape
        x = self.left + (np.arange((width + step - 1) // step, dtype=np.float32) + 0.5) * step
        y = self.top + (np.arange((height + step - 1) // step, dtype=np.float32) + 0.5) * step
        return x[None, :], y[:, None]


def window_of(points: Points, margin: int) -> Window:
    """Return the picture window around the points with a margin in pixels."""
    low, high = np.floor(points.min(axis=0)), np.ceil(points.max(axis=0))
    return Window(int(low[0]) - margin, int(low[1]) - margin, int(high[0]) + margin, int(high[1]) + margin)


def coverage(outlines: list[Points], window: Window, *, holes: list[Points] | None = None, fine: bool = True) -> Field:
    """Return how much of each pixel the outlines cover, 0..1, from a fourfold supersampled fill.

    Args:
        outlines: closed polygons in picture pixels; their union is filled.
        window: the part of the picture to fill.
        holes: polygons cut out of the union.
        fine: False fills without supersampling, for what is blurred anyway.
    Shape: window.shape.
    """
    height, width = window.shape
    up = SUPERSAMPLE if fine else 1
    canvas = Image.new("L", (width * up, height * up), 0)
    pen = ImageDraw.Draw(canvas)
    origin = np.array([window.left, window.top])
    for value, polygons in ((255, outlines), (0, holes or [])):
        for polygon in polygons:
            pen.polygon([(x, y) for x, y in ((polygon - origin) * up - 0.5).tolist()], fill=value)
    return np.asarray(canvas.reduce(up) if fine else canvas, dtype=np.float32) * np.float32(1 / 255)


def resize(field: Field, shape: tuple[int, int], *, box: bool = False) -> Field:
    """Return the field resized to (height, width): bicubic up, box average down."""
    image = Image.fromarray(field)
    how = Image.Resampling.BOX if box else Image.Resampling.BICUBIC
    return np.array(image.resize((shape[1], shape[0]), how), dtype=np.float32)


def _smooth_axis(field: Field, kernel: Field, axis: int) -> Field:
    half = len(kernel) // 2
    pad = [(0, 0), (0, 0)]
    pad[axis] = (half, half)
    padded = np.pad(field, pad)
    size = field.shape[axis]
    total = np.zeros_like(field)
    for i, weight in enumerate(kernel):
        part = padded[i : i + size] if axis == 0 else padded[:, i : i + size]
        total += weight * part
    return total


def blur(field: Field, sigma: float) -> Field:
    """Return a Gaussian blur with `sigma` in pixels; outside the field counts as zero.

    Wide blurs are computed on a smaller copy, where they cost little and nothing visible is lost.
    """
    step = max(1, int(sigma / 1.1))
    height, width = field.shape
    pad = int(2.2 * sigma) + 1
    padded = np.pad(field, pad)
    small_shape = (max(2, padded.shape[0] // step), max(2, padded.shape[1] // step))
    small = resize(padded, small_shape, box=True) if step > 1 else padded
    spread = sigma / step
    reach = max(1, int(np.ceil(2.2 * spread)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / spread) ** 2).astype(np.float32)
    kernel /= kernel.sum()
    small = _smooth_axis(_smooth_axis(small, kernel, 0), kernel, 1)
    full = resize(small, (padded.shape[0], padded.shape[1])) if step > 1 else small
    return np.ascontiguousarray(full[pad : pad + height, pad : pad + width])


def soften(cover: Field, sigma: float) -> Field:
    """Return a narrow Gaussian blur of a coverage, to 8 bits: quicker than `blur`, and enough for small heights."""
    image = Image.fromarray((cover * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(sigma))
    return np.asarray(image, dtype=np.float32) * np.float32(1 / 255)


def noise(shape: tuple[int, int], cell_x: float, cell_y: float, rng: np.random.Generator) -> Field:
    """Return smooth random hills, about unit variance, with cells of the given size in pixels."""
    rows, columns = max(3, int(shape[0] / cell_y) + 3), max(3, int(shape[1] / cell_x) + 3)
    return resize(rng.standard_normal((rows, columns)).astype(np.float32), shape)
