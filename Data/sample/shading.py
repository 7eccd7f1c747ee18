"""Height and light: how a piece of cloth bulges, folds and catches the light from the upper left."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from Data.sample.raster import Field, Window, blur, noise, resize, soften

LIGHT_X, LIGHT_Y = 0.46, 0.50


@dataclass(frozen=True)
class Fold:
    """A ridge in the cloth from (x0, y0) to (x1, y1), in pixels.

    `width` is the ridge's half width at its start, `spread` its growth towards the end, `height` its height (negative
    is a crease), `bend` how far its middle leaves the straight line, `fade` the shares over which it rises and dies
    away, `lee` the depth of the valley beside it.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    width: float = 8.0
    height: float = 5.0
    bend: float = 0.0
    spread: float = 1.6
    fade: tuple[float, float] = (0.2, 0.5)
    lee: float = 0.55


def _add_fold(field: Field, window: Window, fold: Fold) -> None:
    """Add one ridge to a half-resolution height field in place."""
    reach = 3.2 * fold.width * max(1.0, fold.spread) + abs(fold.bend)
    left, right = min(fold.x0, fold.x1) - reach, max(fold.x0, fold.x1) + reach
    top, bottom = min(fold.y0, fold.y1) - reach, max(fold.y0, fold.y1) + reach
    c0, c1 = max(0, int((left - window.left) / 2)), min(field.shape[1], int((right - window.left) / 2) + 1)
    r0, r1 = max(0, int((top - window.top) / 2)), min(field.shape[0], int((bottom - window.top) / 2) + 1)
    if c0 >= c1 or r0 >= r1:
        return
    x = (window.left + (np.arange(c0, c1, dtype=np.float32) + 0.5) * 2 - fold.x0)[None, :]
    y = (window.top + (np.arange(r0, r1, dtype=np.float32) + 0.5) * 2 - fold.y0)[:, None]
    dx, dy = fold.x1 - fold.x0, fold.y1 - fold.y0
    length = math.hypot(dx, dy) + 1e-6
    u = np.clip((x * dx + y * dy) / (length * length), 0, 1)
    v = (y * dx - x * dy) / length - fold.bend * 4 * u * (1 - u)
    width = fold.width * (1 + (fold.spread - 1) * u)
    rise = np.clip(u / max(fold.fade[0], 1e-3), 0, 1)
    fall = np.clip((1 - u) / max(fold.fade[1], 1e-3), 0, 1)
    window_ = (rise * rise * (3 - 2 * rise)) * (fall * fall * (3 - 2 * fall))
    n = v / width
    # A ridge with a shallower valley on its lee side, as gathered cloth has.
    shape = np.exp(-n * n)
    if fold.lee:
        shape -= fold.lee * np.exp(-((n - 1.5) ** 2) / 1.4)
    field[r0:r1, c0:c1] += (fold.height * window_ * shape).astype(np.float32)


@dataclass(frozen=True)
class Relief:
    """The lit surface of one piece: light factor, and the slopes that bend its pattern. Shape of each: (h, w)."""

    light: Field
    slope_x: Field
    slope_y: Field


def _slope(surface: Field, axis: int) -> Field:
    """Return the central difference along an axis, zero at the borders."""
    out = np.zeros_like(surface)
    if axis == 0:
        np.subtract(surface[2:], surface[:-2], out=out[1:-1])
    else:
        np.subtract(surface[:, 2:], surface[:, :-2], out=out[:, 1:-1])
    out *= np.float32(0.5)
    return out


def relief(
    cover: Field,
    window: Window,
    *,
    folds: tuple[Fold, ...],
    edge: float,
    puff: float,
    wrinkle: float,
    wrinkle_cell: tuple[float, float],
    seed: int,
) -> Relief:
    """Light a piece of cloth.

    Args:
        cover: what rounds off: the piece's coverage in the window, 0..1, with that of the pieces it is sewn to.
            Shape: window.shape.
        folds: ridges and creases in picture pixels.
        edge: how far, in pixels, the piece rounds off towards its outline.
        puff: how strongly it does so; 0 is flat.
        wrinkle: height in pixels of the random hills of the cloth.
        wrinkle_cell: size of those hills in pixels, across and down.
        seed: of those hills.
    """
    if not (folds or puff or wrinkle):
        flat = np.zeros_like(cover)
        return Relief(np.ones_like(cover), flat, flat)
    height, width = cover.shape
    half = ((height + 1) // 2, (width + 1) // 2)
    small = np.zeros(half, dtype=np.float32)
    for fold in folds:
        _add_fold(small, window, fold)
    if wrinkle:
        rng = np.random.default_rng(seed)
        small += wrinkle * noise(half, wrinkle_cell[0] / 2, wrinkle_cell[1] / 2, rng)
    surface = resize(small, cover.shape)
    shade = np.zeros_like(surface)
    if puff:
        round_off = blur(cover, max(1.0, edge * 0.5))
        flank = 1 - np.clip((round_off - 0.2) / 0.8, 0, 1)
        surface -= (1.7 * puff * edge) * flank * flank
        lip = soften(cover, 1.8)
        surface += puff * 2.6 * lip
        # Light hardly reaches into the turn at an edge.
        shade = 0.20 * min(1.0, puff) * np.clip(1.0 - round_off, 0, 0.5)
    slope_y, slope_x = _slope(surface, 0), _slope(surface, 1)
    lit = LIGHT_X * slope_x + LIGHT_Y * slope_y
    lit = lit / (1 + 0.9 * np.abs(lit))
    steep = slope_x * slope_x + slope_y * slope_y
    light = 1.0 + 0.62 * lit - 0.10 * steep / (1 + steep) - shade
    return Relief(light.astype(np.float32), slope_x, slope_y)
