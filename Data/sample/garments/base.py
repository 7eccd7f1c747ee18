"""What every garment is drawn from: a look (its cloth and colours), and the small fittings that garments share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from Data.sample.fabrics import Cloth
from Data.sample.geometry import Knot, Points, box, curve, ellipse
from Data.sample.painter import Element, Part, Seam, Sketch, thread_for
from Data.sample.palette import RGB, darker, luma
from Data.sample.shading import Fold

Rng = np.random.Generator
METAL: RGB = (0.74, 0.73, 0.71)
BRASS: RGB = (0.76, 0.62, 0.36)


@dataclass(frozen=True)
class Look:
    """The cloth of a product and what its builder may vary.

    `variant` counts the designs of a category, so that its cuts take turns; `accent` is the colour of trims and prints.
    """

    cloth: Cloth
    pattern: str
    accent: RGB
    second: RGB
    variant: int

    @property
    def plain(self) -> Cloth:
        """The ground cloth without its pattern."""
        return self.cloth.plain()

    def trim(self, weave: str | None = None) -> Cloth:
        """A plain cloth in the accent colour."""
        return self.cloth.plain(self.accent, weave)

    @property
    def thread(self) -> RGB:
        """The colour of visible stitches."""
        return thread_for(self.cloth.base)


Builder = Callable[[Rng, Look], Sketch]


def hard(colour: RGB, gloss: float = 0.25) -> Cloth:
    """Return a smooth, somewhat shiny material: metal, rubber, plastic, horn."""
    return Cloth("plain", (colour,), "satin", gloss=gloss)


def seam(*knots: Knot, strength: float = 0.30, width: float = 1.5) -> Seam:
    """Return a pressed seam through the knots."""
    return Seam(curve(list(knots), closed=False), "seam", None, width, strength)


def stitch(*knots: Knot, colour: RGB, width: float = 1.15, strength: float = 0.30) -> Seam:
    """Return a row of stitches through the knots."""
    return Seam(curve(list(knots), closed=False), "stitch", colour, width, strength)


def button(x: float, y: float, colour: RGB, radius: float = 4.3) -> list[Element]:
    """Return a button with four holes, through which the cloth shows."""
    at = radius * 0.30
    holes = tuple(ellipse(x + dx * at, y + dy * at, 0.85, 0.85, n=8) for dx in (-1, 1) for dy in (-1, 1))
    disc = ellipse(x, y, radius, radius, n=28)
    return [Part(disc, hard(colour, 0.1), puff=0.35, edge=3, wrinkle=0, cast=0.45, holes=holes)]


def zipper(x: float, top: float, bottom: float, cloth: Cloth, *, puller: bool = True) -> list[Element]:
    """Return a vertical zip with its tape, teeth and puller."""
    middle = np.array([[x, top], [x, (top + bottom) / 2], [x, bottom]])
    metal = METAL if luma(cloth.base) < 0.6 else darker(METAL, 0.25)
    items: list[Element] = [
        Part(
            box(x - 5.5, top, x + 5.5, bottom, round_by=1),
            cloth.plain(darker(cloth.base, 0.22)),
            puff=0.15,
            edge=3,
            wrinkle=0,
            cast=0.15,
        ),
        Seam(middle, "line", darker(metal, 0.35), 3.0, 0.4),
        Seam(middle, "stitch", metal, 2.6, 0.42),
    ]
    if puller:
        items.append(Part(box(x - 3, top + 2, x + 3, top + 10), hard(metal), puff=0.4, edge=3, wrinkle=0))
        items.append(Part(box(x - 2, top + 10, x + 2, top + 24, round_by=2), hard(metal), puff=0.4, edge=3, wrinkle=0))
    return items


def patch(outline: Points, cloth: Cloth, thread: RGB, *, grain: float = 0.0, inset: float = 3.0) -> list[Element]:
    """Return a sewn-on piece, such as a pocket, with stitches along its border."""
    middle = outline.mean(axis=0)
    size = np.abs(outline - middle).max(axis=0)
    inner = middle + (outline - middle) * (1 - inset / np.maximum(size, 1.0))
    closed = np.concatenate([inner, inner[:1]])
    return [
        Part(outline, cloth, grain=grain, puff=0.22, edge=5, wrinkle=0.4, cast=0.28),
        Seam(closed, "stitch", thread, 1.1, 0.26),
    ]


def label(x: float, y: float, width: float = 20, height: float = 11, colour: RGB = (0.93, 0.92, 0.89)) -> list[Element]:
    """Return a small woven label with a line of unreadable lettering."""
    words = np.array([[x - width * 0.3, y], [x, y], [x + width * 0.3, y]])
    return [
        Part(
            box(x - width / 2, y - height / 2, x + width / 2, y + height / 2, round_by=1),
            hard(colour, 0),
            puff=0.15,
            edge=3,
            wrinkle=0,
            cast=0.3,
        ),
        Seam(words, "stitch", (0.35, 0.35, 0.38), 1.6, 0.35),
    ]


def jitter(rng: Rng, value: float, share: float = 0.08) -> float:
    """Return the value changed by up to the given share either way."""
    return value * float(rng.uniform(1 - share, 1 + share))


def pick(rng: Rng, low: float, high: float) -> float:
    """Return a plain float drawn evenly from low..high."""
    return float(rng.uniform(low, high))


def gathers(
    rng: Rng,
    count: int,
    top: tuple[float, float, float],
    bottom: tuple[float, float, float],
    *,
    height: float,
    width: float,
    spread: float = 1.8,
    fade: tuple[float, float] = (0.15, 0.02),
) -> tuple[Fold, ...]:
    """Return folds that fan out from one level to another.

    Args:
        count: how many.
        top: left x, right x, y where they begin.
        bottom: the same where they end.
        height, width: of a typical fold, in pixels.
    """
    folds = []
    for i in range(count):
        t = (i + pick(rng, 0.25, 0.75)) / count
        x0, x1 = top[0] + (top[1] - top[0]) * t, bottom[0] + (bottom[1] - bottom[0]) * t
        start = top[2] + pick(rng, 0, 0.35) * (bottom[2] - top[2])
        share = (start - top[2]) / (bottom[2] - top[2])
        folds.append(
            Fold(
                x0 + (x1 - x0) * share,
                start,
                x1,
                bottom[2],
                jitter(rng, width, 0.3),
                jitter(rng, height, 0.45),
                pick(rng, -6, 6),
                spread,
                fade,
            )
        )
    return tuple(folds)


def shifted(elements: list[Element], dx: float, dy: float, *, tone: float = 1.0, scale: float = 1.0) -> list[Element]:
    """Return the elements moved by (dx, dy) pixels, scaled about the middle of the picture and dimmed."""

    def move(points: Points) -> Points:
        return (points - np.array([0, 300])) * scale + np.array([dx, 300 + dy])

    out: list[Element] = []
    for item in elements:
        if isinstance(item, Seam):
            out.append(replace(item, path=move(item.path), within=None if item.within is None else move(item.within)))
            continue
        folds = []
        for f in item.folds:
            (x0, y0), (x1, y1) = move(np.array([[f.x0, f.y0], [f.x1, f.y1]])).tolist()
            folds.append(replace(f, x0=x0, y0=y0, x1=x1, y1=y1))
        out.append(
            replace(
                item,
                outline=move(item.outline),
                folds=tuple(folds),
                tone=item.tone * tone,
                within=None if item.within is None else move(item.within),
                holes=tuple(move(h) for h in item.holes),
            )
        )
    return out


def radians(degrees: float) -> float:
    """Return degrees as radians."""
    return math.radians(degrees)
