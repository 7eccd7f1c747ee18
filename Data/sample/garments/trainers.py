"""Trainers, high-tops, slip-ons and boots."""

from __future__ import annotations

from Data.sample.fabrics import Cloth
from Data.sample.garments.base import Look, Rng, hard, label, seam, stitch
from Data.sample.garments.footwear import FLOOR, RUBBER, laces, sole_of
from Data.sample.geometry import Knot, curve, ellipse
from Data.sample.painter import Element, Part
from Data.sample.palette import darker, lighter, luma
from Data.sample.shading import Fold


def trainer(rng: Rng, look: Look, *, high: bool) -> list[Element]:
    """Return a trainer, or a high-top."""
    c = look.cloth
    lift = 74.0 if high else 0.0
    sole = RUBBER if luma(c.base) < 0.93 else lighter(look.accent, 0.1)
    tongue: list[Knot] = [(2, 300 - lift), (30, 262 - lift), (58, 254 - lift), (74, 268 - lift), (60, 330), (-40, 360)]
    upper: list[Knot] = [
        (-182, FLOOR - 26, 1),
        (-184, FLOOR - 60),
        (-156, FLOOR - 84),
        (-104, 330),
        (-36, 306),
        (22, 282 - lift * 0.75),
        (48, 268 - lift, 1),
        (78, 292 - lift),
        (112, 290 - lift),
        (142, 268 - lift, 1),
        (156, 280 - lift * 0.9),
        (154, 320),
        (164, 366),
        (160, FLOOR - 26, 1),
    ]
    creases = (
        Fold(-96, 344, -74, 392, 6, 3.0, 4, 1.3, (0.2, 0.4)),
        Fold(-74, 332, -56, 386, 6, 3.0, 4, 1.3, (0.2, 0.4)),
        Fold(120, 330, 154, 372, 9, 2.5, 6, 1.2, (0.3, 0.3)),
    )
    items: list[Element] = [
        Part(
            curve([(60, 300 - lift), (84, 272 - lift), (130, 262 - lift), (150, 276 - lift), (130, 310), (80, 318)]),
            c.plain(darker(c.base, 0.3)),
            tone=0.72,
            puff=0.3,
            cast=0,
        ),
        Part(curve(tongue), look.plain, puff=0.6, edge=10, wrinkle=0.4),
        Part(curve(upper), c, folds=creases, puff=0.62, edge=34, wrinkle=0.8),
    ]
    toe: list[Knot] = [
        (-183, FLOOR - 24, 1),
        (-184, FLOOR - 60),
        (-156, FLOOR - 83),
        (-130, FLOOR - 85),
        (-108, FLOOR - 52),
        (-112, FLOOR - 24, 1),
    ]
    heel: list[Knot] = [
        (162, FLOOR - 24, 1),
        (164, 364),
        (154, 320),
        (156, 290 - lift * 0.4, 1),
        (128, 318),
        (112, 360),
        (104, FLOOR - 24, 1),
    ]
    eyelet: list[Knot] = [
        (-58, 322),
        (10, 294 - lift * 0.55),
        (48, 270 - lift, 1),
        (64, 284 - lift, 1),
        (22, 316 - lift * 0.5),
        (-44, 350),
        (-74, 346),
    ]
    overlay = look.trim("leather") if look.variant % 2 else look.plain
    style = look.variant % 3
    toe_cloth = hard(RUBBER, 0.02) if high else (overlay if style != 1 else c)
    items += [
        Part(curve(toe), toe_cloth, puff=0.5, edge=14, wrinkle=0.2, cast=0.2),
        Part(curve(heel), overlay, puff=0.45, edge=12, wrinkle=0.3, cast=0.2),
        Part(curve(eyelet), overlay if style == 0 else look.plain, puff=0.4, edge=6, wrinkle=0.2, cast=0.25),
    ]
    if high:
        items.append(Part(ellipse(112, 322 - lift * 0.7, 21, 21), hard(RUBBER, 0.02), puff=0.4, edge=5, wrinkle=0))
        items.append(
            Part(ellipse(112, 322 - lift * 0.7, 13, 13), hard(look.accent, 0), puff=0.2, edge=3, wrinkle=0, cast=0.1)
        )
    elif style == 1:
        for i in range(3):
            x = -6 + 27 * i
            bar: list[Knot] = [
                (x, 322 - 6 * i, 1),
                (x + 13, 320 - 6 * i, 1),
                (x + 36, FLOOR - 27, 1),
                (x + 20, FLOOR - 27, 1),
            ]
            items.append(Part(curve(bar), look.trim("leather"), puff=0.35, edge=5, wrinkle=0.2, cast=0.3))
    else:
        swoop: list[Knot] = [
            (-50, FLOOR - 40, 1),
            (10, FLOOR - 48),
            (70, 346),
            (128, 326, 1),
            (80, 372),
            (20, FLOOR - 34),
        ]
        items.append(Part(curve(swoop), look.trim("leather"), puff=0.35, edge=6, wrinkle=0.2, cast=0.3))
    items.append(stitch((-104, FLOOR - 30), (-100, FLOOR - 54), (-122, FLOOR - 80), colour=look.thread))
    items += laces(
        (-56, 334), (42, 282 - lift), 8 if high else 5, 17, RUBBER if luma(c.base) < 0.8 else lighter(look.accent, 0.15)
    )
    bottom: list[Knot] = [
        (-188, FLOOR - 36, 1),
        (-150, FLOOR - 31),
        (0, FLOOR - 30),
        (110, FLOOR - 33),
        (165, FLOOR - 36, 1),
        (172, FLOOR - 14),
        (160, FLOOR, 1),
        (0, FLOOR),
        (-120, FLOOR - 1),
        (-170, FLOOR - 9),
        (-192, FLOOR - 22),
    ]
    return items + sole_of(bottom, sole, line=darker(sole, 0.25) if style else look.accent)


def slip_on(rng: Rng, look: Look) -> list[Element]:
    """Return a slip-on."""
    c = look.cloth
    upper: list[Knot] = [
        (-182, FLOOR - 26, 1),
        (-182, FLOOR - 52),
        (-150, FLOOR - 74),
        (-90, 338),
        (-20, 316),
        (30, 306, 1),
        (56, 326),
        (104, 326),
        (146, 302, 1),
        (158, 330),
        (162, 370),
        (158, FLOOR - 26, 1),
    ]
    inner: list[Knot] = [(26, 310), (60, 296), (120, 288), (148, 304), (126, 330), (66, 336)]
    gore: list[Knot] = [(-16, 318, 1), (20, 310, 1), (32, 352), (8, 366), (-20, 346)]
    items: list[Element] = [
        Part(curve(inner), c.plain(darker(c.base, 0.2)), tone=0.75, puff=0.3, cast=0),
        Part(
            curve(upper),
            c,
            puff=0.6,
            edge=32,
            wrinkle=0.8,
            folds=(Fold(-84, 346, -64, 392, 6, 2.8, 4, 1.3, (0.2, 0.4)),),
        ),
        Part(curve(gore), Cloth("plain", (darker(c.base, 0.4),), "rib"), puff=0.3, edge=5, wrinkle=0, cast=0.15),
        seam((-30, 322), (-34, 362), (-10, 386), (60, FLOOR - 28), strength=0.3),
    ]
    items += label(150, 352, 12, 14, look.accent)
    bottom: list[Knot] = [
        (-190, FLOOR - 30, 1),
        (0, FLOOR - 33),
        (166, FLOOR - 36, 1),
        (170, FLOOR - 10),
        (160, FLOOR, 1),
        (-150, FLOOR, 1),
        (-186, FLOOR - 8),
    ]
    return items + sole_of(bottom, RUBBER, line=look.accent)


def boot(rng: Rng, look: Look, *, laced: bool) -> list[Element]:
    """Return an ankle boot, with laces or elastic sides."""
    c = look.cloth
    shaft: list[Knot] = [
        (-184, FLOOR - 20, 1),
        (-186, FLOOR - 58),
        (-156, FLOOR - 86),
        (-100, 328),
        (-30, 312),
        (14, 270),
        (26, 216),
        (26, 168, 1),
        (90, 160),
        (150, 164, 1),
        (146, 240),
        (150, 320),
        (160, 370),
        (158, FLOOR - 20, 1),
    ]
    creases = (
        Fold(-10, 318, 60, 350, 9, 5, 8, 1.4, (0.15, 0.4)),
        Fold(14, 284, 86, 318, 9, 5, 8, 1.4, (0.15, 0.4)),
        Fold(-100, 344, -70, 396, 7, 3.4, 4, 1.3, (0.2, 0.4)),
        Fold(140, 290, 70, 312, 9, 4, -6, 1.4, (0.15, 0.5)),
    )
    items: list[Element] = [
        Part(ellipse(88, 166, 62, 11), c.plain(darker(c.base, 0.3)), tone=0.6, puff=0.2, cast=0),
        Part(curve(shaft), c, folds=creases, puff=0.65, edge=36, wrinkle=0.8),
    ]
    if laced:
        items.append(seam((-84, 330), (-70, 380), (-60, FLOOR - 22), strength=0.4))
        items.append(stitch((-78, 330), (-64, 380), (-54, FLOOR - 22), colour=look.thread))
        items += laces(
            (-42, 322), (34, 190), 8, 19, darker(look.accent, 0.2) if luma(c.base) > 0.4 else (0.75, 0.62, 0.40)
        )
        items.append(seam((60, 168), (66, 300), (20, 372), strength=0.3))
    else:
        gore: list[Knot] = [(62, 176, 1), (112, 174, 1), (106, 250), (88, 312), (72, 250)]
        items.append(
            Part(curve(gore), Cloth("plain", (darker(c.base, 0.45),), "rib"), puff=0.25, edge=6, wrinkle=0, cast=0.1)
        )
        tab: list[Knot] = [(138, 150, 1), (149, 150, 1), (150, 190, 1), (138, 190, 1)]
        items.append(Part(curve(tab), c.plain(darker(c.base, 0.25), "canvas"), puff=0.4, edge=4, wrinkle=0))
    sole = (0.20, 0.17, 0.15) if luma(c.base) < 0.6 else (0.42, 0.30, 0.20)
    bottom: list[Knot] = [
        (-192, FLOOR - 22, 1),
        (0, FLOOR - 25),
        (164, FLOOR - 27, 1),
        (168, FLOOR - 2, 1),
        (86, FLOOR, 1),
        (82, FLOOR - 10, 1),
        (-40, FLOOR - 8),
        (-160, FLOOR, 1),
        (-190, FLOOR - 10),
    ]
    items += sole_of(bottom, sole)
    items.append(stitch((-184, FLOOR - 24), (0, FLOOR - 28), (158, FLOOR - 30), colour=(0.78, 0.62, 0.38), width=1.6))
    return items
