"""Hoodies: a hood laid back, a pouch pocket, ribbed cuffs and hem, cords."""

from __future__ import annotations

from Data.sample.fabrics import Cloth
from Data.sample.garments.base import METAL, Look, Rng, hard, pick, seam, stitch, zipper
from Data.sample.garments.tops import TopCut, body, sewn_neck, sleeves
from Data.sample.geometry import Knot, Points, curve, ellipse, mirrored, ribbon, side
from Data.sample.painter import Decal, Element, Part, Sketch
from Data.sample.palette import darker, lighter, luma
from Data.sample.prints import motif
from Data.sample.shading import Fold

CUTS: tuple[tuple[str, TopCut], ...] = (
    (
        "pullover",
        TopCut(
            neck=52,
            dip=44,
            neck_y=112,
            shoulder=116,
            shoulder_y=134,
            armpit=108,
            armpit_y=246,
            waist=107,
            hem=103,
            length=500,
            sleeve="long",
            sleeve_length=292,
            cuff=52,
            angle=23,
            bend=15,
        ),
    ),
    (
        "zip-up",
        TopCut(
            neck=50,
            dip=48,
            neck_y=112,
            shoulder=114,
            shoulder_y=134,
            armpit=105,
            armpit_y=244,
            waist=103,
            hem=101,
            length=500,
            sleeve="long",
            sleeve_length=292,
            cuff=50,
            angle=22,
            bend=14,
        ),
    ),
    (
        "oversized",
        TopCut(
            neck=54,
            dip=46,
            neck_y=112,
            shoulder=130,
            shoulder_y=140,
            armpit=119,
            armpit_y=256,
            waist=119,
            hem=110,
            length=502,
            sleeve="long",
            sleeve_length=276,
            cuff=58,
            angle=22,
            bend=15,
        ),
    ),
    (
        "cropped",
        TopCut(
            neck=50,
            dip=42,
            neck_y=122,
            shoulder=116,
            shoulder_y=145,
            armpit=107,
            armpit_y=256,
            waist=107,
            hem=104,
            length=448,
            sleeve="long",
            sleeve_length=280,
            cuff=50,
            angle=24,
            bend=15,
        ),
    ),
)


def hood(rng: Rng, cut: TopCut, cloth: Cloth, lining: Cloth, *, fur: bool = False) -> list[Element]:
    """Return a hood: its back, its dark inside, and the front edges that meet at the throat."""
    n, y, front = cut.neck, cut.neck_y, cut.neck_y + cut.dip
    rise = pick(rng, 70, 80)
    outer: list[Knot] = [
        (0, y - rise),
        (n * 0.62, y - rise + 6),
        (n + 12, y - rise * 0.52),
        (n + 24, y - 6),
        (n + 22, y + 22),
        (n * 0.7, front + 12),
        (0, front + 24),
    ]
    inner: list[Knot] = [
        (0, y - rise + 20),
        (n * 0.48, y - rise + 26),
        (n * 0.80, y - rise * 0.44),
        (n * 0.78, y - 4),
        (n * 0.52, y + cut.dip * 0.62),
        (0, front + 8, 1),
    ]
    folds = (
        Fold(-n, y - 30, n * 0.2, y - rise + 6, 8, 4, 8, 1.3, (0.2, 0.4)),
        Fold(n + 8, y - 36, n * 0.3, y - rise + 10, 8, 4, -6, 1.3, (0.2, 0.4)),
        Fold(n + 20, y + 4, n * 0.5, front - 6, 8, 5, 6, 1.3, (0.15, 0.3)),
        Fold(-n - 20, y + 4, -n * 0.5, front - 6, 8, 5, -6, 1.3, (0.15, 0.3)),
    )
    hollow = (
        Fold(0, y - rise + 30, 4, y + 14, 12, -5, 6, 1.4, (0.3, 0.4)),
        Fold(-n * 0.5, y - 8, n * 0.5, y - 2, 9, 5, -10, 1.2, (0.3, 0.3)),
        Fold(-n * 0.6, y + 12, n * 0.55, y + 14, 7, 4, -12, 1.2, (0.3, 0.3)),
    )
    items: list[Element] = [
        Part(curve(mirrored(outer)), cloth, folds=folds, puff=0.75, edge=20, wrinkle=1.0, cast=0.42),
        Part(curve(mirrored(inner)), lining, folds=hollow, puff=0.3, edge=10, tone=0.60, wrinkle=0.8, cast=0),
    ]
    for sign in (-1, 1):
        lip: list[Knot] = [
            (0, y - rise + 17),
            (n * 0.52, y - rise + 24),
            (n * 0.84, y - 36),
            (n * 0.86, y - 6),
            (n * 0.60, y + cut.dip * 0.62),
            (2, front + 10),
        ]
        rim = curve(side(lip, sign), closed=False)
        if fur:
            pile = Cloth("plain", ((0.72, 0.62, 0.50),), "wool")
            items.append(Part(ribbon(rim, 24), pile, puff=0.8, edge=11, wrinkle=3.0, wrinkle_cell=(6, 9), cast=0.4))
        else:
            items.append(Part(ribbon(rim, 9), cloth, puff=0.6, edge=6, wrinkle=0.2, cast=0.2))
    return items


def _cords(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    front = cut.neck_y + cut.dip
    colour = lighter(look.cloth.base, 0.65) if luma(look.cloth.base) < 0.7 else darker(look.cloth.base, 0.14)
    items: list[Element] = []
    for sign in (-1, 1):
        x = sign * 17
        end = front + pick(rng, 58, 84)
        cord: list[Knot] = [(x, front + 4), (x + sign * 4, front + 36), (x + pick(rng, -5, 5), end)]
        items.append(Part(ellipse(x, front + 3, 4.2, 4.2, n=20), hard(METAL), puff=0.4, edge=3, wrinkle=0))
        items.append(
            Part(ribbon(curve(cord, closed=False), 4.6), hard(colour, 0.02), puff=0.7, edge=4, wrinkle=0, cast=0.45)
        )
        items.append(
            Part(ellipse(cord[-1][0], end, 3.4, 7, n=20), hard(darker(colour, 0.15)), puff=0.6, edge=3, wrinkle=0)
        )
    return items


def _pouch(cut: TopCut) -> Points:
    top, bottom, w = cut.length - 118, cut.length - 2, cut.hem * 0.66
    half: list[Knot] = [(0, top), (w * 0.62, top, 1), (w + 4, top + 62, 1), (w + 4, bottom, 1), (0, bottom + 4)]
    return curve(mirrored(half))


def hoodie(rng: Rng, look: Look) -> Sketch:
    """Draw a hoodie."""
    name, cut = CUTS[look.variant % len(CUTS)]
    if look.pattern == "print" and name == "zip-up":
        name, cut = CUTS[2]  # a zip would cut the print in two
    cut = sewn_neck(cut, rng)
    cloth = look.cloth
    ribbed = cloth.plain(darker(cloth.base, 0.05), "rib")
    arms = look.trim() if look.pattern == "block" else cloth
    decal = None
    if look.pattern == "print":
        art = motif(look.variant + 3, (look.accent, look.second, darker(look.accent, 0.3)))
        decal = Decal(art, 0, cut.armpit_y + 58, pick(rng, 148, 164))
    items: list[Element] = []
    items.extend(
        Part(
            curve(side(cut.wrist_band(26, -4), sign)),
            ribbed,
            grain=-sign * 0.16,
            puff=0.6,
            edge=10,
            wrinkle=0.4,
            cast=0.1,
        )
        for sign in (-1, 1)
    )
    hem: list[Knot] = [
        (0, cut.length - 10),
        (cut.hem, cut.length - 14, 1),
        (cut.hem - 7, cut.length + 24, 1),
        (0, cut.length + 24 + cut.hem_drop),
    ]
    items.append(Part(curve(mirrored(hem)), ribbed, puff=0.55, edge=11, wrinkle=0.5, cast=0.1))
    items += sleeves(rng, cut, arms, puff=0.7, wrinkle=1.3)
    items += body(rng, cut, cloth, decal=decal, strength=1.15, puff=0.62)
    middle = "zip-up" in name
    pouch = _pouch(cut)
    w, top = cut.hem * 0.66, cut.length - 118
    items.append(
        Part(
            pouch,
            cloth,
            folds=(Fold(-w, top + 78, w, top + 70, 14, 3, 6, 1.2, (0.2, 0.2)),),
            puff=0.4,
            edge=9,
            wrinkle=0.8,
            cast=0.34,
        )
    )
    for sign in (-1, 1):
        mouth: list[Knot] = [(w * 0.60, top + 6), (w - 2, top + 62)]
        items.append(stitch(*side(mouth, sign), colour=look.thread))
    items.append(stitch((-w * 0.6, top + 5), (0, top + 5), (w * 0.6, top + 5), colour=look.thread))
    items.append(
        seam(
            (-cut.hem - 2, cut.length - 1), (0, cut.length + cut.hem_drop), (cut.hem + 2, cut.length - 1), strength=0.28
        )
    )
    items += hood(rng, cut, arms, look.plain)
    if middle:
        items += zipper(0, cut.neck_y + cut.dip + 6, cut.length + 26, look.plain)
    items += _cords(rng, cut, look)
    return Sketch(tuple(items), name)
