"""What shoes share: the floor they stand on, soles and laces."""

from __future__ import annotations

from Data.sample.garments.base import METAL, hard, stitch
from Data.sample.geometry import Knot, curve, ellipse, lerp, ribbon
from Data.sample.painter import Element, Part
from Data.sample.palette import RGB

FLOOR = 420.0


RUBBER: RGB = (0.95, 0.945, 0.93)


def sole_of(knots: list[Knot], colour: RGB, *, line: RGB | None = None) -> list[Element]:
    """Return a sole and, with `line`, the stitches along it."""
    outline = curve(knots)
    items: list[Element] = [Part(outline, hard(colour, 0.03), puff=0.45, edge=9, wrinkle=0.1, cast=0.25)]
    if line is not None:
        items.append(
            stitch(
                (-176, FLOOR - 17),
                (-60, FLOOR - 19),
                (60, FLOOR - 20),
                (158, FLOOR - 24),
                colour=line,
                width=2.4,
                strength=0.4,
            )
        )
    return items


def laces(first: Knot, last: Knot, count: int, half: float, colour: RGB) -> list[Element]:
    """Return laces across the instep, from the toe's end to the ankle's."""
    items: list[Element] = []
    for i in range(count):
        x, y = lerp(first, last, i / max(1, count - 1))
        bar: list[Knot] = [
            (x - half * 0.7, y - half * 0.55),
            (x + 2, y - half * 0.2),
            (x + half * 0.8, y + half * 0.75),
        ]
        items.append(
            Part(ellipse(x + half * 0.8, y + half * 0.8, 2.6, 2.6, n=14), hard(METAL), puff=0.3, edge=2, wrinkle=0)
        )
        items.append(
            Part(ribbon(curve(bar, closed=False), 6.4), hard(colour, 0), puff=0.7, edge=4, wrinkle=0, cast=0.45)
        )
    return items
