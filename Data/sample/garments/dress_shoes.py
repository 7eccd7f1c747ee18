"""Pumps, ballerinas and loafers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from Data.sample.garments.base import BRASS, Look, Rng, hard, stitch
from Data.sample.garments.footwear import FLOOR, sole_of
from Data.sample.geometry import Knot, curve, ellipse, ribbon
from Data.sample.painter import Element, Part
from Data.sample.palette import darker
from Data.sample.shading import Fold


def pump(rng: Rng, look: Look, *, flat: bool) -> list[Element]:
    """Return a pump, or a ballerina when flat."""
    c = look.cloth
    rise = 0.0 if flat else 96.0
    heel_y = FLOOR - rise
    inner: list[Knot] = [
        (-112, FLOOR - 40),
        (-40, FLOOR - 62 - rise * 0.35),
        (60, heel_y - 66),
        (140, heel_y - 82),
        (152, heel_y - 70),
        (60, heel_y - 36),
        (-60, FLOOR - 28 - rise * 0.2),
    ]
    upper: list[Knot] = [
        (-190, FLOOR - 8, 1),
        (-186, FLOOR - 26),
        (-150, FLOOR - 42),
        (-112, FLOOR - 46, 1),
        (-90, FLOOR - 30 - rise * 0.06),
        (-30, FLOOR - 30 - rise * 0.34),
        (50, heel_y - 42 + rise * 0.05),
        (112, heel_y - 70),
        (148, heel_y - 86, 1),
        (164, heel_y - 66),
        (160, heel_y - 22),
        (158, heel_y - 6, 1),
        (80, heel_y - 4 + rise * 0.16),
        (-10, FLOOR - 8 - rise * 0.36),
        (-100, FLOOR - 4),
    ]
    items: list[Element] = [
        Part(curve(inner), hard((0.84, 0.74, 0.60), 0), tone=0.84, puff=0.3, edge=10, wrinkle=0.3, cast=0),
    ]
    if not flat:
        heel: list[Knot] = [
            (92, heel_y - 10, 1),
            (160, heel_y - 16, 1),
            (158, heel_y + 18),
            (142, FLOOR - 30),
            (140, FLOOR, 1),
            (124, FLOOR, 1),
            (124, FLOOR - 34),
            (112, heel_y + 16),
        ]
        items.append(Part(curve(heel), replace(c.plain(), gloss=0.16), puff=0.6, edge=10, wrinkle=0, cast=0.2))
    sole: list[Knot] = [
        (-190, FLOOR - 9, 1),
        (-100, FLOOR - 6),
        (-10, FLOOR - 10 - rise * 0.36),
        (80, heel_y - 6 + rise * 0.16),
        (160, heel_y - 9, 1),
        (160, heel_y, 1),
        (80, heel_y + rise * 0.18),
        (-10, FLOOR - 1 - rise * 0.34),
        (-100, FLOOR, 1),
        (-186, FLOOR, 1),
    ]
    items.append(Part(curve(sole), hard((0.50, 0.36, 0.24), 0.05), puff=0.3, edge=3, wrinkle=0))
    items.append(
        Part(
            curve(upper),
            replace(c, gloss=0.10),
            puff=0.7,
            edge=18,
            wrinkle=0.3,
            folds=(Fold(-70, FLOOR - 30, -64, FLOOR - 4, 6, 2, 2, 1.2, (0.2, 0.3)),),
        )
    )
    if flat or look.variant % 2:
        x, y = -126, FLOOR - 45
        for s in (-1, 1):
            loop: list[Knot] = [(x, y), (x + s * 12, y - 10), (x + s * 24, y - 3), (x + s * 20, y + 8)]
            items.append(Part(curve(loop), look.trim("satin"), puff=0.7, edge=7, wrinkle=0, cast=0.4))
        items.append(Part(ellipse(x, y, 5, 5, n=20), look.trim("satin"), puff=0.6, edge=4, wrinkle=0))
    return items


def loafer(rng: Rng, look: Look) -> list[Element]:
    """Return a loafer."""
    c = replace(look.cloth, gloss=0.10)
    upper: list[Knot] = [
        (-188, FLOOR - 20, 1),
        (-188, FLOOR - 44),
        (-160, FLOOR - 66),
        (-104, 342),
        (-40, 322),
        (10, 300),
        (34, 290, 1),
        (52, 318),
        (96, 326),
        (140, 304),
        (154, 300, 1),
        (160, 340),
        (164, 378),
        (160, FLOOR - 20, 1),
    ]
    inner: list[Knot] = [(30, 296), (60, 286), (120, 284), (156, 302), (130, 330), (70, 334)]
    apron: list[Knot] = [
        (-160, FLOOR - 60),
        (-100, 338),
        (-30, 316),
        (24, 322),
        (-6, 352),
        (-80, 372),
        (-140, FLOOR - 40),
    ]
    strap: list[Knot] = [(-38, 314, 1), (0, 298, 1), (34, 352), (44, FLOOR - 24, 1), (2, FLOOR - 24, 1), (-6, 362)]
    items: list[Element] = [
        Part(curve(inner), hard((0.80, 0.70, 0.56), 0), tone=0.78, puff=0.3, wrinkle=0.2, cast=0),
        Part(
            curve(upper),
            c,
            puff=0.68,
            edge=32,
            wrinkle=0.6,
            folds=(
                Fold(-84, 350, -60, 398, 6, 2.6, 4, 1.3, (0.2, 0.4)),
                Fold(130, 332, 158, 372, 8, 2, 4, 1.2, (0.3, 0.3)),
            ),
        ),
        Part(curve(apron), c, puff=0.32, edge=8, wrinkle=0.4, cast=0.25),
    ]
    loop = curve(apron)
    items.append(replace(stitch((0, 0), (1, 1), colour=look.thread), path=np.concatenate([loop, loop[:1]])))
    items.append(Part(curve(strap), c, puff=0.4, edge=7, wrinkle=0.3, cast=0.35))
    if look.variant % 2:
        items.append(
            Part(
                ribbon(curve([(-26, 326), (4, 318), (28, 328)], closed=False), 6),
                hard(BRASS),
                puff=0.7,
                edge=4,
                wrinkle=0,
                cast=0.5,
            )
        )
    else:
        items.append(
            Part(
                curve([(-12, 322), (14, 318), (20, 328), (-6, 333)]), c.plain(darker(c.base, 0.5)), puff=0.2, wrinkle=0
            )
        )
    bottom: list[Knot] = [
        (-194, FLOOR - 22, 1),
        (0, FLOOR - 25),
        (168, FLOOR - 27, 1),
        (170, FLOOR, 1),
        (92, FLOOR, 1),
        (88, FLOOR - 11, 1),
        (-60, FLOOR - 7),
        (-150, FLOOR, 1),
        (-190, FLOOR - 8),
    ]
    return items + sole_of(bottom, (0.24, 0.18, 0.15))
