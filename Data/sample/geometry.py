"""Outlines: smooth closed curves through a few points, in pixels, x measured from the picture's middle."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Knot = tuple[float, ...]
"""(x, y) for a smooth point, (x, y, 1) for a corner."""


def _segment(knots: Points, cyclic: bool, per: int) -> Points:
    """Sample a centripetal-looking Catmull-Rom spline; an open one includes both ends."""
    if cyclic:
        ring = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        ring = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    p0, p1, p2, p3 = ring[:-3], ring[1:-2], ring[2:-1], ring[3:]
    t = (np.arange(per) / per)[None, :, None]
    a, b, c, d = (p[:, None, :] for p in (p0, p1, p2, p3))
    # Tangents are limited to the chord, so a short step beside a long one does not loop.
    chord = np.linalg.norm(c - b, axis=-1, keepdims=True)
    m1, m2 = (c - a) / 2, (d - b) / 2
    m1 = m1 * np.minimum(1, chord / (np.linalg.norm(m1, axis=-1, keepdims=True) + 1e-9))
    m2 = m2 * np.minimum(1, chord / (np.linalg.norm(m2, axis=-1, keepdims=True) + 1e-9))
    t2, t3 = t * t, t * t * t
    samples = (2 * t3 - 3 * t2 + 1) * b + (t3 - 2 * t2 + t) * m1 + (3 * t2 - 2 * t3) * c + (t3 - t2) * m2
    flat: Points = samples.reshape(-1, 2)
    return flat if cyclic else np.concatenate([flat, knots[-1:]])


def curve(knots: Sequence[Knot], *, closed: bool = True, per: int = 9) -> Points:
    """Return a smooth curve through the knots that turns sharply at corners.

    Args:
        knots: at least two; (x, y) or (x, y, 1) for a corner.
        closed: join the last knot to the first.
        per: samples between two knots.
    Shape: (n, 2).
    """
    xy = np.array([k[:2] for k in knots], dtype=np.float64)
    corners = [i for i, k in enumerate(knots) if len(k) > 2 and k[2]]
    if not closed:
        cuts = sorted({0, len(knots) - 1, *corners})
        pieces = [_segment(xy[i : j + 1], False, per)[:-1] for i, j in itertools.pairwise(cuts)]
        return np.concatenate([*pieces, xy[-1:]])
    if not corners:
        return _segment(xy, True, per)
    start = corners[0]
    xy = np.roll(xy, -start, axis=0)
    ring = np.concatenate([xy, xy[:1]])
    cuts = [c - start for c in corners] + [len(knots)]
    return np.concatenate([_segment(ring[i : j + 1], False, per)[:-1] for i, j in itertools.pairwise(cuts)])


def flip(knots: Sequence[Knot]) -> list[Knot]:
    """Return the knots mirrored left to right, in reverse order."""
    return [(-k[0], *k[1:]) for k in reversed(knots)]


def mirrored(half: Sequence[Knot]) -> list[Knot]:
    """Close a right half (from the top middle to the bottom middle) with its mirror image."""
    return [*half, *[k for k in flip(half) if abs(k[0]) > 1e-6]]


def side(knots: Sequence[Knot], sign: int) -> list[Knot]:
    """Return the knots for the right side (sign 1) or mirrored for the left (-1)."""
    return list(knots) if sign > 0 else flip(knots)


def ellipse(x: float, y: float, rx: float, ry: float, *, angle: float = 0.0, n: int = 48) -> Points:
    """Return an ellipse, turned by `angle` radians."""
    t = np.linspace(0, 2 * math.pi, n, endpoint=False)
    px, py = rx * np.cos(t), ry * np.sin(t)
    return np.stack(
        [x + px * math.cos(angle) - py * math.sin(angle), y + px * math.sin(angle) + py * math.cos(angle)], 1
    )


def box(x0: float, y0: float, x1: float, y1: float, *, round_by: float = 3.0) -> Points:
    """Return a rectangle with rounded corners."""
    r = min(round_by, abs(x1 - x0) / 2, abs(y1 - y0) / 2)
    turns = []
    for cx, cy, start in (
        (x1 - r, y0 + r, -0.5),
        (x1 - r, y1 - r, 0.0),
        (x0 + r, y1 - r, 0.5),
        (x0 + r, y0 + r, 1.0),
    ):
        t = np.linspace(start * math.pi, (start + 0.5) * math.pi, 6)
        turns.append(np.stack([cx + r * np.cos(t), cy + r * np.sin(t)], 1))
    return np.concatenate(turns)


def ribbon(path: Points, width: float, width_end: float | None = None) -> Points:
    """Return the outline of a strip of the given width (px) along an open path."""
    end = width if width_end is None else width_end
    step = np.gradient(path, axis=0)
    normal = np.stack([-step[:, 1], step[:, 0]], 1) / (np.linalg.norm(step, axis=1, keepdims=True) + 1e-9)
    half = np.linspace(width, end, len(path))[:, None] / 2
    return np.concatenate([path + normal * half, (path - normal * half)[::-1]])


def lerp(a: Knot, b: Knot, t: float) -> tuple[float, float]:
    """Return the point a share `t` of the way from a to b."""
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t


def turned(points: Points, x: float, y: float, angle: float) -> Points:
    """Return the points turned by `angle` radians about (x, y)."""
    c, s = math.cos(angle), math.sin(angle)
    d = points - np.array([x, y])
    return np.stack([x + d[:, 0] * c - d[:, 1] * s, y + d[:, 0] * s + d[:, 1] * c], 1)
