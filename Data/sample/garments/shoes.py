"""Shoes, seen from the side and set down in pairs: trainers, high-tops, boots, loafers, pumps, ballerinas, slip-ons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from Data.sample.fabrics import Cloth
from Data.sample.garments.base import BRASS, METAL, Look, Rng, hard, label, pick, seam, shifted, stitch
from Data.sample.geometry import Knot, curve, ellipse, lerp, ribbon
from Data.sample.painter import Element, Part, Sketch
from Data.sample.palette import RGB, darker, lighter, luma
from Data.sample.shading import Fold

FLOOR = 420.0
RUBBER: RGB = (0.95, 0.945, 0.93)


def _sole(knots: list[Knot], colour: RGB, *, line: RGB | None = None) -> list[Element]:
    outline = curve(knots)
    items: list[Element] = [Part(outline, hard(colour, 0.03), puff=0.45, edge=9, wrinkle=0.1, cast=0.25)]
    if line is not None:
        items.append(stitch((-176, FLOOR - 17), (-60, FLOOR - 19), (60, FLOOR - 20), (158, FLOOR - 24), colour=line, width=2.4,
                            strength=0.4))
    return items


def _laces(first: Knot, last: Knot, count: int, half: float, colour: RGB) -> list[Element]:
    """Return laces across the instep, from the toe's end to the ankle's."""
    items: list[Element] = []
    for i in range(count):
        x, y = lerp(first, last, i / max(1, count - 1))
        bar: list[Knot] = [(x - half * 0.7, y - half * 0.55), (x + 2, y - half * 0.2), (x + half * 0.8, y + half * 0.75)]
        items.append(Part(ellipse(x + half * 0.8, y + half * 0.8, 2.6, 2.6, n=14), hard(METAL), puff=0.3, edge=2, wrinkle=0))
        items.append(Part(ribbon(curve(bar, closed=False), 6.4), hard(colour, 0), puff=0.7, edge=4, wrinkle=0, cast=0.45))
    return items


def _trainer(rng: Rng, look: Look, *, high: bool) -> list[Element]:
    c = look.cloth
    lift = 74.0 if high else 0.0
    sole = RUBBER if luma(c.base) < 0.93 else lighter(look.accent, 0.1)
    tongue: list[Knot] = [(2, 300 - lift), (30, 262 - lift), (58, 254 - lift), (74, 268 - lift), (60, 330), (-40, 360)]
    upper: list[Knot] = [
        (-182, FLOOR - 26, 1), (-184, FLOOR - 60), (-156, FLOOR - 84), (-104, 330), (-36, 306), (22, 282 - lift * 0.75),
        (48, 268 - lift, 1), (78, 292 - lift), (112, 290 - lift), (142, 268 - lift, 1), (156, 280 - lift * 0.9),
        (154, 320), (164, 366), (160, FLOOR - 26, 1),
    ]
    creases = (
        Fold(-96, 344, -74, 392, 6, 3.0, 4, 1.3, (0.2, 0.4)), Fold(-74, 332, -56, 386, 6, 3.0, 4, 1.3, (0.2, 0.4)),
        Fold(120, 330, 154, 372, 9, 2.5, 6, 1.2, (0.3, 0.3)),
    )
    items: list[Element] = [
        Part(curve([(60, 300 - lift), (84, 272 - lift), (130, 262 - lift), (150, 276 - lift), (130, 310), (80, 318)]),
             c.plain(darker(c.base, 0.3)), tone=0.72, puff=0.3, cast=0),
        Part(curve(tongue), look.plain, puff=0.6, edge=10, wrinkle=0.4),
        Part(curve(upper), c, folds=creases, puff=0.62, edge=34, wrinkle=0.8),
    ]
    toe: list[Knot] = [(-183, FLOOR - 24, 1), (-184, FLOOR - 60), (-156, FLOOR - 83), (-130, FLOOR - 85), (-108, FLOOR - 52),
                       (-112, FLOOR - 24, 1)]
    heel: list[Knot] = [(162, FLOOR - 24, 1), (164, 364), (154, 320), (156, 290 - lift * 0.4, 1), (128, 318), (112, 360),
                        (104, FLOOR - 24, 1)]
    eyelet: list[Knot] = [(-58, 322), (10, 294 - lift * 0.55), (48, 270 - lift, 1), (64, 284 - lift, 1), (22, 316 - lift * 0.5),
                          (-44, 350), (-74, 346)]
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
        items.append(Part(ellipse(112, 322 - lift * 0.7, 13, 13), hard(look.accent, 0), puff=0.2, edge=3, wrinkle=0, cast=0.1))
    elif style == 1:
        for i in range(3):
            x = -6 + 27 * i
            bar: list[Knot] = [(x, 322 - 6 * i, 1), (x + 13, 320 - 6 * i, 1), (x + 36, FLOOR - 27, 1), (x + 20, FLOOR - 27, 1)]
            items.append(Part(curve(bar), look.trim("leather"), puff=0.35, edge=5, wrinkle=0.2, cast=0.3))
    else:
        swoop: list[Knot] = [(-50, FLOOR - 40, 1), (10, FLOOR - 48), (70, 346), (128, 326, 1), (80, 372), (20, FLOOR - 34)]
        items.append(Part(curve(swoop), look.trim("leather"), puff=0.35, edge=6, wrinkle=0.2, cast=0.3))
    items.append(stitch((-104, FLOOR - 30), (-100, FLOOR - 54), (-122, FLOOR - 80), colour=look.thread))
    items += _laces((-56, 334), (42, 282 - lift), 8 if high else 5, 17,
                    RUBBER if luma(c.base) < 0.8 else lighter(look.accent, 0.15))
    bottom: list[Knot] = [(-188, FLOOR - 36, 1), (-150, FLOOR - 31), (0, FLOOR - 30), (110, FLOOR - 33), (165, FLOOR - 36, 1),
                          (172, FLOOR - 14), (160, FLOOR, 1), (0, FLOOR), (-120, FLOOR - 1), (-170, FLOOR - 9), (-192, FLOOR - 22)]
    return items + _sole(bottom, sole, line=darker(sole, 0.25) if style else look.accent)


def _boot(rng: Rng, look: Look, *, laced: bool) -> list[Element]:
    c = look.cloth
    shaft: list[Knot] = [
        (-184, FLOOR - 20, 1), (-186, FLOOR - 58), (-156, FLOOR - 86), (-100, 328), (-30, 312), (14, 270), (26, 216),
        (26, 168, 1), (90, 160), (150, 164, 1), (146, 240), (150, 320), (160, 370), (158, FLOOR - 20, 1),
    ]
    creases = (
        Fold(-10, 318, 60, 350, 9, 5, 8, 1.4, (0.15, 0.4)), Fold(14, 284, 86, 318, 9, 5, 8, 1.4, (0.15, 0.4)),
        Fold(-100, 344, -70, 396, 7, 3.4, 4, 1.3, (0.2, 0.4)), Fold(140, 290, 70, 312, 9, 4, -6, 1.4, (0.15, 0.5)),
    )
    items: list[Element] = [
        Part(ellipse(88, 166, 62, 11), c.plain(darker(c.base, 0.3)), tone=0.6, puff=0.2, cast=0),
        Part(curve(shaft), c, folds=creases, puff=0.65, edge=36, wrinkle=0.8),
    ]
    if laced:
        items.append(seam((-84, 330), (-70, 380), (-60, FLOOR - 22), strength=0.4))
        items.append(stitch((-78, 330), (-64, 380), (-54, FLOOR - 22), colour=look.thread))
        items += _laces((-42, 322), (34, 190), 8, 19, darker(look.accent, 0.2) if luma(c.base) > 0.4 else (0.75, 0.62, 0.40))
        items.append(seam((60, 168), (66, 300), (20, 372), strength=0.3))
    else:
        gore: list[Knot] = [(62, 176, 1), (112, 174, 1), (106, 250), (88, 312), (72, 250)]
        items.append(Part(curve(gore), Cloth("plain", (darker(c.base, 0.45),), "rib"), puff=0.25, edge=6, wrinkle=0, cast=0.1))
        tab: list[Knot] = [(138, 150, 1), (149, 150, 1), (150, 190, 1), (138, 190, 1)]
        items.append(Part(curve(tab), c.plain(darker(c.base, 0.25), "canvas"), puff=0.4, edge=4, wrinkle=0))
    sole = (0.20, 0.17, 0.15) if luma(c.base) < 0.6 else (0.42, 0.30, 0.20)
    bottom: list[Knot] = [(-192, FLOOR - 22, 1), (0, FLOOR - 25), (164, FLOOR - 27, 1), (168, FLOOR - 2, 1), (86, FLOOR, 1),
                          (82, FLOOR - 10, 1), (-40, FLOOR - 8), (-160, FLOOR, 1), (-190, FLOOR - 10)]
    items += _sole(bottom, sole)
    items.append(stitch((-184, FLOOR - 24), (0, FLOOR - 28), (158, FLOOR - 30), colour=(0.78, 0.62, 0.38), width=1.6))
    return items


def _pump(rng: Rng, look: Look, *, flat: bool) -> list[Element]:
    c = look.cloth
    rise = 0.0 if flat else 96.0
    heel_y = FLOOR - rise
    inner: list[Knot] = [(-112, FLOOR - 40), (-40, FLOOR - 62 - rise * 0.35), (60, heel_y - 66), (140, heel_y - 82),
                         (152, heel_y - 70), (60, heel_y - 36), (-60, FLOOR - 28 - rise * 0.2)]
    upper: list[Knot] = [
        (-190, FLOOR - 8, 1), (-186, FLOOR - 26), (-150, FLOOR - 42), (-112, FLOOR - 46, 1), (-90, FLOOR - 30 - rise * 0.06),
        (-30, FLOOR - 30 - rise * 0.34), (50, heel_y - 42 + rise * 0.05), (112, heel_y - 70), (148, heel_y - 86, 1),
        (164, heel_y - 66), (160, heel_y - 22), (158, heel_y - 6, 1), (80, heel_y - 4 + rise * 0.16), (-10, FLOOR - 8 - rise * 0.36),
        (-100, FLOOR - 4),
    ]
    items: list[Element] = [
        Part(curve(inner), hard((0.84, 0.74, 0.60), 0), tone=0.84, puff=0.3, edge=10, wrinkle=0.3, cast=0),
    ]
    if not flat:
        heel: list[Knot] = [(92, heel_y - 10, 1), (160, heel_y - 16, 1), (158, heel_y + 18), (142, FLOOR - 30), (140, FLOOR, 1),
                            (124, FLOOR, 1), (124, FLOOR - 34), (112, heel_y + 16)]
        items.append(Part(curve(heel), replace(c.plain(), gloss=0.16), puff=0.6, edge=10, wrinkle=0, cast=0.2))
    sole: list[Knot] = [(-190, FLOOR - 9, 1), (-100, FLOOR - 6), (-10, FLOOR - 10 - rise * 0.36), (80, heel_y - 6 + rise * 0.16),
                        (160, heel_y - 9, 1), (160, heel_y, 1), (80, heel_y + rise * 0.18), (-10, FLOOR - 1 - rise * 0.34),
                        (-100, FLOOR, 1), (-186, FLOOR, 1)]
    items.append(Part(curve(sole), hard((0.50, 0.36, 0.24), 0.05), puff=0.3, edge=3, wrinkle=0))
    items.append(Part(curve(upper), replace(c, gloss=0.10), puff=0.7, edge=18, wrinkle=0.3,
                      folds=(Fold(-70, FLOOR - 30, -64, FLOOR - 4, 6, 2, 2, 1.2, (0.2, 0.3)),)))
    if flat or look.variant % 2:
        x, y = -126, FLOOR - 45
        for s in (-1, 1):
            loop: list[Knot] = [(x, y), (x + s * 12, y - 10), (x + s * 24, y - 3), (x + s * 20, y + 8)]
            items.append(Part(curve(loop), look.trim("satin"), puff=0.7, edge=7, wrinkle=0, cast=0.4))
        items.append(Part(ellipse(x, y, 5, 5, n=20), look.trim("satin"), puff=0.6, edge=4, wrinkle=0))
    return items


def _loafer(rng: Rng, look: Look) -> list[Element]:
    c = replace(look.cloth, gloss=0.10)
    upper: list[Knot] = [
        (-188, FLOOR - 20, 1), (-188, FLOOR - 44), (-160, FLOOR - 66), (-104, 342), (-40, 322), (10, 300), (34, 290, 1),
        (52, 318), (96, 326), (140, 304), (154, 300, 1), (160, 340), (164, 378), (160, FLOOR - 20, 1),
    ]
    inner: list[Knot] = [(30, 296), (60, 286), (120, 284), (156, 302), (130, 330), (70, 334)]
    apron: list[Knot] = [(-160, FLOOR - 60), (-100, 338), (-30, 316), (24, 322), (-6, 352), (-80, 372), (-140, FLOOR - 40)]
    strap: list[Knot] = [(-38, 314, 1), (0, 298, 1), (34, 352), (44, FLOOR - 24, 1), (2, FLOOR - 24, 1), (-6, 362)]
    items: list[Element] = [
        Part(curve(inner), hard((0.80, 0.70, 0.56), 0), tone=0.78, puff=0.3, wrinkle=0.2, cast=0),
        Part(curve(upper), c, puff=0.68, edge=32, wrinkle=0.6,
             folds=(Fold(-84, 350, -60, 398, 6, 2.6, 4, 1.3, (0.2, 0.4)), Fold(130, 332, 158, 372, 8, 2, 4, 1.2, (0.3, 0.3)))),
        Part(curve(apron), c, puff=0.32, edge=8, wrinkle=0.4, cast=0.25),
    ]
    loop = curve(apron)
    items.append(replace(stitch((0, 0), (1, 1), colour=look.thread), path=np.concatenate([loop, loop[:1]])))
    items.append(Part(curve(strap), c, puff=0.4, edge=7, wrinkle=0.3, cast=0.35))
    if look.variant % 2:
        items.append(Part(ribbon(curve([(-26, 326), (4, 318), (28, 328)], closed=False), 6), hard(BRASS), puff=0.7, edge=4,
                          wrinkle=0, cast=0.5))
    else:
        items.append(Part(curve([(-12, 322), (14, 318), (20, 328), (-6, 333)]), c.plain(darker(c.base, 0.5)), puff=0.2, wrinkle=0))
    bottom: list[Knot] = [(-194, FLOOR - 22, 1), (0, FLOOR - 25), (168, FLOOR - 27, 1), (170, FLOOR, 1), (92, FLOOR, 1),
                          (88, FLOOR - 11, 1), (-60, FLOOR - 7), (-150, FLOOR, 1), (-190, FLOOR - 8)]
    return items + _sole(bottom, (0.24, 0.18, 0.15))


def _slip_on(rng: Rng, look: Look) -> list[Element]:
    c = look.cloth
    upper: list[Knot] = [
        (-182, FLOOR - 26, 1), (-182, FLOOR - 52), (-150, FLOOR - 74), (-90, 338), (-20, 316), (30, 306, 1), (56, 326),
        (104, 326), (146, 302, 1), (158, 330), (162, 370), (158, FLOOR - 26, 1),
    ]
    inner: list[Knot] = [(26, 310), (60, 296), (120, 288), (148, 304), (126, 330), (66, 336)]
    gore: list[Knot] = [(-16, 318, 1), (20, 310, 1), (32, 352), (8, 366), (-20, 346)]
    items: list[Element] = [
        Part(curve(inner), c.plain(darker(c.base, 0.2)), tone=0.75, puff=0.3, cast=0),
        Part(curve(upper), c, puff=0.6, edge=32, wrinkle=0.8,
             folds=(Fold(-84, 346, -64, 392, 6, 2.8, 4, 1.3, (0.2, 0.4)),)),
        Part(curve(gore), Cloth("plain", (darker(c.base, 0.4),), "rib"), puff=0.3, edge=5, wrinkle=0, cast=0.15),
        seam((-30, 322), (-34, 362), (-10, 386), (60, FLOOR - 28), strength=0.3),
    ]
    items += label(150, 352, 12, 14, look.accent)
    bottom: list[Knot] = [(-190, FLOOR - 30, 1), (0, FLOOR - 33), (166, FLOOR - 36, 1), (170, FLOOR - 10), (160, FLOOR, 1),
                          (-150, FLOOR, 1), (-186, FLOOR - 8)]
    return items + _sole(bottom, RUBBER, line=look.accent)


STYLES = ("trainer", "ankle boot", "loafer", "high-top", "pump", "trainer", "laced boot", "ballerina", "slip-on")


def shoes(rng: Rng, look: Look) -> Sketch:
    """Draw a pair of shoes."""
    name = STYLES[look.variant % len(STYLES)]
    if name in ("trainer", "high-top"):
        one = _trainer(rng, look, high=name == "high-top")
    elif name in ("ankle boot", "laced boot"):
        one = _boot(rng, look, laced=name == "laced boot")
    elif name == "loafer":
        one = _loafer(rng, look)
    elif name == "slip-on":
        one = _slip_on(rng, look)
    else:
        one = _pump(rng, look, flat=name == "ballerina")
    low = name in ("loafer", "pump", "ballerina", "slip-on")
    dx, dy = pick(rng, 26, 34), pick(rng, -34, -28) if low else pick(rng, -56, -48)
    pair = shifted(one, dx, dy - 8, tone=0.93, scale=0.95) + shifted(one, -14, 22, scale=1.0)
    return Sketch(tuple(pair), name, "floor")
