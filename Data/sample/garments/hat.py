"""Hats: baseball caps, beanies, bucket hats, wide brims, berets."""

from __future__ import annotations

import math

from Data.sample.fabrics import Cloth
from Data.sample.garments.base import Look, Rng, hard, label, patch, pick, seam, stitch
from Data.sample.geometry import Knot, curve, ellipse, mirrored
from Data.sample.painter import Decal, Element, Part, Sketch
from Data.sample.palette import darker, lighter
from Data.sample.prints import motif
from Data.sample.shading import Fold


def _cap(rng: Rng, look: Look) -> list[Element]:
    """A baseball cap seen from the front left."""
    c = look.cloth
    tall = pick(rng, 168, 186)
    top = 372 - tall
    crown: list[Knot] = [
        (-134, 362, 1),
        (-134, 310),
        (-112, 246),
        (-50, top + 10),
        (20, top),
        (96, top + 32),
        (150, 270),
        (164, 336),
        (162, 368, 1),
        (120, 380),
        (50, 390),
        (-20, 394),
        (-90, 384),
    ]
    bill_cloth = look.trim() if look.variant % 2 else look.plain
    brim: list[Knot] = [
        (-136, 356, 1),
        (-92, 379),
        (-20, 390),
        (46, 386),
        (88, 378, 1),
        (70, 408),
        (2, 434),
        (-96, 440),
        (-176, 424),
        (-204, 398),
        (-186, 370),
    ]
    under: list[Knot] = [
        (-205, 396, 1),
        (-180, 430),
        (-96, 448),
        (4, 441),
        (72, 414),
        (90, 378, 1),
        (20, 420),
        (-80, 430),
    ]
    puffs = (
        Fold(-40, top + 18, -70, 370, 22, 5, -18, 1.4, (0.1, 0.2)),
        Fold(70, top + 20, 110, 372, 20, 4, 14, 1.4, (0.1, 0.2)),
    )
    items: list[Element] = [
        Part(curve(crown), c, folds=puffs, puff=0.6, edge=44, wrinkle=0.8),
        seam((24, top + 3), (-20, top + 60), (-38, 300), (-40, 370), strength=0.34),
        seam((24, top + 3), (84, top + 70), (112, 300), (116, 374), strength=0.34),
        seam((24, top + 3), (130, top + 60), (160, 320), strength=0.25),
    ]
    for dx in (-5, 5):
        items.append(
            stitch((24 + dx, top + 8), (-20 + dx, top + 62), (-38 + dx, 300), (-40 + dx, 366), colour=look.thread)
        )
        items.append(
            stitch((24 + dx, top + 8), (84 + dx, top + 72), (112 + dx, 300), (116 + dx, 370), colour=look.thread)
        )
    items.append(Part(ellipse(22, top, 11, 6), c.plain(bill_cloth.base), puff=0.6, edge=5, wrinkle=0))
    for x, y in ((-82, 276), (66, 262)):
        items.append(
            Part(ellipse(x, y, 4.4, 5.2, n=20), c.plain(darker(c.base, 0.4)), puff=0.25, edge=3, wrinkle=0, cast=0.1)
        )
    emblem = motif(
        (0, 1, 2, 5, 6)[look.variant % 5],
        (bill_cloth.base if look.variant % 2 else look.accent, look.second, look.accent),
    )
    disc = curve([(-70, 262), (-4, 258), (14, 300), (-8, 346), (-66, 346), (-88, 304)])
    items.append(
        Part(
            disc,
            Cloth("plain", (lighter(c.base, 0.80),), "canvas"),
            puff=0.3,
            edge=5,
            wrinkle=0,
            cast=0.25,
            decal=Decal(emblem, -38, 303, 84),
        )
    )
    items.append(
        Part(curve(under), bill_cloth.plain(darker(bill_cloth.base, 0.25)), puff=0.3, edge=6, wrinkle=0, cast=0.2)
    )
    arch = (Fold(-190, 392, 60, 402, 26, 9, -22, 1.0, (0.25, 0.25)),)
    items.append(Part(curve(brim), bill_cloth, folds=arch, puff=0.45, edge=14, wrinkle=0.2, cast=0.45))
    for i in range(4):
        k = 9 + 11 * i
        items.append(
            stitch(
                (-198 + k * 0.9, 394),
                (-172 + k, 421 - k * 0.55),
                (-96 + k * 0.3, 438 - k),
                (2, 431 - k),
                (66 - k * 0.4, 406 - k * 0.6),
                colour=look.thread,
                strength=0.2,
            )
        )
    return items


def _beanie(rng: Rng, look: Look) -> list[Element]:
    c = look.cloth
    height = pick(rng, 196, 226)
    top = 390 - height
    dome: list[Knot] = [(0, top), (66, top + 10), (124, top + 62), (146, 330), (146, 372, 1), (0, 384)]
    cuff: list[Knot] = [(0, 342), (90, 340), (152, 330), (157, 346), (157, 424), (150, 438), (80, 448), (0, 450)]
    ribs = tuple(
        Fold(13.0 * i * 0.5, top + 8, 20.5 * i, 376, 4.5, 2.6, 5.0 * i * 0.8, 1.5, (0.25, 0.02)) for i in range(-7, 8)
    )
    bands = tuple(Fold(20.5 * i, 340, 21.5 * i, 448, 5.5, 3.0, 0, 1.0, (0.04, 0.04)) for i in range(-7, 8))
    items: list[Element] = []
    if look.variant % 2 == 0:
        yarn = look.trim("wool") if look.variant % 4 == 0 else c.plain(lighter(c.base, 0.35), "wool")
        ball = [
            (
                math.cos(t) * (50 + 4 * math.sin(9 * t) + pick(rng, -2, 2)),
                top - 26 + math.sin(t) * (48 + 4 * math.cos(8 * t)),
            )
            for t in (i * math.pi / 22 for i in range(44))
        ]
        strands = tuple(
            Fold(
                pick(rng, -34, 34),
                top - 26 + pick(rng, -34, 30),
                pick(rng, -46, 46),
                top - 26 + pick(rng, -42, 42),
                4,
                pick(rng, 2, 4),
                3,
                1.3,
                (0.2, 0.4),
            )
            for _ in range(26)
        )
        items.append(Part(curve(ball, per=3), yarn, folds=strands, puff=0.7, edge=34, wrinkle=2.0, wrinkle_cell=(9, 9)))
    items.append(Part(curve(mirrored(dome)), c, folds=ribs, puff=0.62, edge=46, wrinkle=0.9))
    band = c.plain(weave="knit") if look.variant % 3 else look.trim("knit")
    items.append(Part(curve(mirrored(cuff)), band, folds=bands, puff=0.7, edge=22, wrinkle=0.7, cast=0.42))
    items += label(0, 404, 44, 26, (0.66, 0.47, 0.30) if look.variant % 2 else (0.15, 0.15, 0.17))
    return items


def _bucket(rng: Rng, look: Look) -> list[Element]:
    c = look.cloth
    crown: list[Knot] = [(0, 190), (74, 194), (98, 206), (112, 250), (126, 340, 1), (0, 366)]
    top: list[Knot] = [(0, 188), (74, 193), (100, 208), (60, 224), (0, 228), (-60, 224), (-100, 208), (-74, 193)]
    brim: list[Knot] = [(0, 350), (80, 344), (124, 326, 1), (172, 376), (204, 420), (180, 434), (100, 452), (0, 458)]
    waves = (
        Fold(-120, 340, -170, 430, 22, 5, 0, 1.5, (0.1, 0.05)),
        Fold(-30, 356, -40, 456, 26, 5, 0, 1.5, (0.1, 0.05)),
        Fold(70, 350, 100, 450, 24, 5, 0, 1.5, (0.1, 0.05)),
        Fold(124, 336, 186, 424, 16, 4, 0, 1.5, (0.1, 0.05)),
    )
    dents = (Fold(-60, 226, -74, 350, 20, 4, 6, 1.3, (0.1, 0.1)), Fold(40, 230, 58, 356, 24, 4, -6, 1.3, (0.1, 0.1)))
    items: list[Element] = [
        Part(curve(mirrored(crown)), c, folds=dents, puff=0.5, edge=34, wrinkle=1.0),
        Part(curve(top), c, puff=0.3, edge=12, wrinkle=0.6, cast=0.12, grain=0.3),
        seam((-100, 209), (-60, 225), (0, 229), (60, 225), (100, 209), strength=0.3),
        Part(curve(mirrored(brim)), c, folds=waves, puff=0.45, edge=16, wrinkle=0.7, cast=0.42),
    ]
    for i in range(5):
        k = 10 + 17 * i
        items.append(
            stitch(
                (-198 + k * 0.62, 420 - k * 0.84),
                (-100 + k * 0.1, 450 - k),
                (0, 456 - k),
                (100 - k * 0.1, 450 - k),
                (198 - k * 0.62, 420 - k * 0.84),
                colour=look.thread,
                strength=0.22,
            )
        )
    items.extend(
        Part(ellipse(x, 300, 3.6, 4, n=18), hard(darker(c.base, 0.4)), puff=0.3, edge=3, wrinkle=0) for x in (-84, -66)
    )
    if look.variant % 2:
        items += patch(curve([(8, 268, 1), (62, 266, 1), (64, 300, 1), (10, 303, 1)]), look.trim("canvas"), look.thread)
    return items


def _wide(rng: Rng, look: Look) -> list[Element]:
    """A wide-brimmed hat: straw in summer colours, felt otherwise."""
    c = look.cloth
    high = pick(rng, 160, 184)
    top = 372 - high
    brim: list[Knot] = [
        (-214, 398),
        (-170, 366),
        (-90, 350),
        (0, 346),
        (90, 350),
        (170, 362),
        (214, 386),
        (190, 424),
        (110, 446),
        (0, 450),
        (-120, 446),
        (-196, 426),
    ]
    crown: list[Knot] = [
        (-112, 386, 1),
        (-110, 320),
        (-98, 246),
        (-70, top + 8),
        (-30, top + 2),
        (0, top + 14),
        (34, top - 2),
        (76, top + 10),
        (100, 250),
        (110, 320),
        (112, 384, 1),
        (0, 404),
    ]
    band: list[Knot] = [(-112, 352), (0, 372), (112, 350), (113, 384), (0, 406), (-113, 386)]
    pinch = (
        Fold(0, top + 10, -4, top + 96, 26, -9, 0, 1.2, (0.05, 0.6)),
        Fold(-78, top + 20, -64, top + 110, 18, -7, 4, 1.3, (0.1, 0.5)),
        Fold(78, top + 20, 62, top + 110, 18, -7, -4, 1.3, (0.1, 0.5)),
    )
    curl = (Fold(-206, 406, 206, 400, 18, 6, -32, 1.0, (0.2, 0.2)),)
    items: list[Element] = [
        Part(curve(brim), c, folds=curl, puff=0.5, edge=16, wrinkle=0.6),
        Part(curve(crown), c, folds=pinch, puff=0.6, edge=38, wrinkle=0.7, cast=0.5),
        Part(
            curve(band),
            look.trim("rib" if look.pattern == "straw" else "satin"),
            puff=0.35,
            edge=8,
            wrinkle=0.3,
            cast=0.3,
        ),
    ]
    knot: list[Knot] = [(84, 356, 1), (104, 352, 1), (106, 390, 1), (84, 394, 1)]
    items.append(Part(curve(knot), look.trim("satin"), puff=0.5, edge=6, wrinkle=0.2, cast=0.4))
    return items


def _beret(rng: Rng, look: Look) -> list[Element]:
    c = look.cloth
    cap: list[Knot] = [
        (-176, 330),
        (-150, 262),
        (-60, 216),
        (50, 214),
        (150, 250),
        (196, 318),
        (176, 372),
        (96, 392),
        (0, 398),
        (-96, 396),
        (-160, 376),
    ]
    band: list[Knot] = [(-104, 386), (0, 396), (110, 382), (106, 416), (0, 430), (-100, 418)]
    slump = (
        Fold(-90, 250, -120, 380, 24, 6, 10, 1.4, (0.2, 0.2)),
        Fold(120, 262, 60, 392, 22, 6, -14, 1.4, (0.2, 0.2)),
        Fold(10, 222, -10, 392, 30, 5, 10, 1.4, (0.2, 0.2)),
    )
    stalk: list[Knot] = [(12, 190), (18, 190), (20, 222), (8, 222)]
    return [
        Part(curve(stalk), c.plain(), puff=0.6, edge=4, wrinkle=0),
        Part(curve(band), c.plain(darker(c.base, 0.12), "rib"), puff=0.5, edge=10, wrinkle=0.3),
        Part(curve(cap), c, folds=slump, puff=0.7, edge=46, wrinkle=1.2, cast=0.42),
    ]


STYLES = ("cap", "beanie", "bucket hat", "wide-brimmed", "cap", "beanie", "beret")


def hat(rng: Rng, look: Look) -> Sketch:
    """Draw a hat."""
    name = STYLES[look.variant % len(STYLES)]
    draw = {"cap": _cap, "beanie": _beanie, "bucket hat": _bucket, "wide-brimmed": _wide, "beret": _beret}[name]
    return Sketch(tuple(draw(rng, look)), name, "floor")
