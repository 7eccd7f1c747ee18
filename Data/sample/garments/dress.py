"""Dresses: a bodice with one of several necks and sleeves, and a skirt."""

from __future__ import annotations

from dataclasses import dataclass, replace

from Data.sample.garments.base import Look, Rng, button, gathers, pick, seam
from Data.sample.garments.polo import collar
from Data.sample.garments.skirt import skirt_outline
from Data.sample.garments.tops import TopCut, cuff_hems, inside, neck_band, sewn_neck, sleeves
from Data.sample.geometry import Knot, Points, box, curve, mirrored, ribbon, side
from Data.sample.painter import Element, Part, Sketch
from Data.sample.palette import darker, lighter
from Data.sample.shading import Fold


@dataclass(frozen=True)
class DressCut:
    """A bodice and the skirt below it, in pixels."""

    top: TopCut
    waist_y: float = 226
    waist: float = 64
    hip: float = 92
    hem: float = 138
    length: float = 546
    waves: int = 5
    wave: float = 6
    folds: int = 8


_BODICE = TopCut(
    neck=46,
    dip=40,
    neck_y=46,
    shoulder=88,
    shoulder_y=64,
    armpit=76,
    armpit_y=142,
    cuff=62,
    sleeve_length=66,
    angle=44,
    length=226,
)
CUTS: tuple[tuple[str, DressCut], ...] = (
    ("skater", DressCut(_BODICE, hem=150, length=500, waves=6, wave=8, folds=9)),
    (
        "slip",
        DressCut(
            replace(_BODICE, sleeve="none", neckline="v", neck=50, dip=54, neck_y=98),
            waist=66,
            hip=84,
            hem=104,
            waves=3,
            wave=3,
            folds=5,
        ),
    ),
    (
        "shirt dress",
        DressCut(replace(_BODICE, neck=38, dip=36, neck_y=52, sleeve_length=84), waist=68, hem=120, folds=7),
    ),
    (
        "wrap",
        DressCut(
            replace(
                _BODICE, neckline="v", dip=112, neck=44, sleeve="long", sleeve_length=214, cuff=38, angle=20, bend=9
            ),
            hem=136,
            folds=8,
        ),
    ),
    (
        "tiered midi",
        DressCut(
            replace(_BODICE, sleeve_length=78, cuff=78, neckline="square", neck=52, dip=44),
            waist=70,
            hip=104,
            hem=158,
            waves=8,
            folds=13,
            waist_y=210,
        ),
    ),
    ("sleeveless", DressCut(replace(_BODICE, sleeve="none", neck=46, dip=46, shoulder=78), waist=66, hip=90, hem=124)),
    (
        "maxi",
        DressCut(
            replace(_BODICE, sleeve="none", neckline="v", neck=48, dip=62, shoulder=74),
            waist=62,
            hip=92,
            hem=166,
            waves=7,
            wave=9,
            folds=11,
        ),
    ),
    (
        "knitted",
        DressCut(
            replace(_BODICE, sleeve="long", sleeve_length=222, cuff=36, angle=19, bend=9, neck=42, dip=26),
            waist=70,
            hip=86,
            hem=88,
            length=512,
            waves=2,
            wave=1,
            folds=4,
        ),
    ),
)


def _bodice(cut: DressCut) -> Points:
    t = cut.top
    half: list[Knot] = [
        *t.neck_knots(),
        (t.shoulder, t.shoulder_y, 1),
        (t.shoulder - 8, t.shoulder_y + 34),
        (t.armpit - 5, t.armpit_y - 18),
        (t.armpit, t.armpit_y, 1),
        (cut.waist + 4, t.armpit_y + 0.6 * (cut.waist_y - t.armpit_y)),
        (cut.waist, cut.waist_y + 4, 1),
        (0, cut.waist_y + 8),
    ]
    return curve(mirrored(half))


def _slip_bodice(cut: DressCut) -> Points:
    t = cut.top
    half: list[Knot] = [
        (0, t.neck_y + t.dip, 1),
        (t.neck * 0.5, t.neck_y + t.dip * 0.45),
        (t.neck, t.neck_y, 1),
        (t.neck + 9, t.neck_y + 16),
        (t.armpit, t.armpit_y + 6, 1),
        (cut.waist + 3, (t.armpit_y + cut.waist_y) / 2 + 10),
        (cut.waist, cut.waist_y + 4, 1),
        (0, cut.waist_y + 8),
    ]
    return curve(mirrored(half))


def dress(rng: Rng, look: Look) -> Sketch:
    """Draw a dress."""
    name, cut = CUTS[look.variant % len(CUTS)]
    cut = replace(
        cut, top=sewn_neck(cut.top, rng), hem=cut.hem * pick(rng, 0.94, 1.06), length=cut.length * pick(rng, 0.96, 1.01)
    )
    cut = replace(cut, top=replace(cut.top, length=cut.waist_y))
    t, cloth = cut.top, look.cloth
    strappy = name == "slip"
    outline = _slip_bodice(cut) if strappy else _bodice(cut)
    skirt = skirt_outline(cut.waist, cut.waist_y - 4, cut.hip, cut.hem, cut.length, cut.wave, cut.waves)
    items: list[Element] = []
    if strappy:
        items += _straps(cut, look)
    else:
        items += inside(t, look.plain, tag=t.dip > 30)
    items.append(
        Part(
            skirt,
            cloth,
            folds=gathers(
                rng,
                cut.folds,
                (-cut.waist, cut.waist, cut.waist_y + 2),
                (-cut.hem * 0.97, cut.hem * 0.97, cut.length + 8),
                height=4.6,
                width=6.5,
                spread=2.3,
            ),
            edge=20,
            puff=0.45,
            wrinkle=0.9,
            sewn_to=(outline,),
        )
    )
    if name == "tiered midi":
        items += _tier(rng, cut, look)
    if t.sleeve != "none":
        items += sleeves(rng, t, cloth)
        items += cuff_hems(t, 8)
    pull: list[Fold] = []
    for sign in (-1, 1):
        pull.extend(
            Fold(
                sign * (t.armpit - 6),
                t.armpit_y + pick(rng, -12, 20),
                sign * pick(rng, 12, 36),
                cut.waist_y - pick(rng, 0, 40),
                pick(rng, 5, 8),
                pick(rng, 1.8, 3.4),
                pick(rng, -6, 6),
                1.5,
                (0.12, 0.5),
            )
            for _ in range(3)
        )
    items.append(
        Part(
            outline,
            cloth,
            folds=tuple(pull),
            edge=18,
            puff=0.5,
            wrinkle=0.9,
            cast=0.12,
            sewn_to=(skirt, *t.sleeve_outlines()),
        )
    )
    if t.sleeve != "none":
        items += t.armholes()
    items += _waistline(rng, name, cut, look)
    if name == "shirt dress":
        items += _shirt_front(cut, look)
    elif name == "wrap":
        items += _wrap_front(cut, look)
    elif not strappy:
        items += neck_band(t, cloth.plain(darker(cloth.base, 0.06)), 6)
    return Sketch(tuple(items), name)


def _straps(cut: DressCut, look: Look) -> list[Element]:
    t = cut.top
    items: list[Element] = []
    back: list[Knot] = [
        (0, t.armpit_y - 4),
        (t.armpit * 0.7, t.armpit_y - 2),
        (t.armpit - 2, t.armpit_y + 6, 1),
        (0, t.neck_y + t.dip + 14),
    ]
    items.append(Part(curve(mirrored(back)), look.plain, tone=0.66, puff=0.2, cast=0))
    for sign in (-1, 1):
        strap: list[Knot] = [
            (t.neck - 1, t.neck_y + 6),
            (t.neck - 3, t.neck_y - 30),
            (t.neck - 12, t.neck_y - 56),
            (t.neck - 20, t.neck_y - 30),
            (t.neck - 16, t.armpit_y),
        ]
        items.append(Part(ribbon(curve(side(strap, sign), closed=False), 5), look.plain, puff=0.5, edge=4, wrinkle=0))
    return items


def _waistline(rng: Rng, name: str, cut: DressCut, look: Look) -> list[Element]:
    w, y = cut.waist, cut.waist_y
    if name in ("shirt dress", "maxi", "sleeveless"):
        cloth = look.cloth.plain(darker(look.cloth.base, 0.12)) if name != "sleeveless" else look.trim()
        half: list[Knot] = [(0, y - 5), (w + 2, y - 9, 1), (w + 3, y + 9, 1), (0, y + 14)]
        items: list[Element] = [Part(curve(mirrored(half)), cloth, puff=0.5, edge=7, wrinkle=0.4, cast=0.4)]
        for sign in (-1, 1) if name != "sleeveless" else ():
            tail: list[Knot] = [
                (2, y),
                (14, y + 40),
                (10 + pick(rng, -4, 10), y + 92, 1),
                (24, y + 90, 1),
                (24, y + 38),
                (9, y),
            ]
            items.append(Part(curve(side(tail, sign)), cloth, puff=0.5, edge=5, cast=0.4))
        if name != "sleeveless":
            items.append(Part(box(-9, y - 8, 9, y + 14, round_by=7), cloth, puff=0.7, edge=8))
        return items
    if name in ("slip", "knitted"):
        return []
    return [seam((-w - 2, y + 1), (0, y + 6), (w + 2, y + 1), strength=0.34, width=1.8)]


def _shirt_front(cut: DressCut, look: Look) -> list[Element]:
    t = cut.top
    top, bottom = t.neck_y + t.dip - 8, cut.length + 3
    items: list[Element] = []
    for y0, y1 in ((top, cut.waist_y - 8), (cut.waist_y + 12, bottom)):
        items.append(Part(box(-9, y0, 9, y1, round_by=1), look.cloth, puff=0.3, edge=4, wrinkle=0.3, cast=0.24))
    pearl = lighter(look.cloth.base, 0.75)
    for i in range(3):
        items += button(0, top + 24 + 46 * i, pearl, 3.4)
    for i in range(5):
        items += button(0, cut.waist_y + 46 + 50 * i, pearl, 3.4)
    return items + collar(t, look.cloth, fall=28, open_by=4, tip=16)


def _wrap_front(cut: DressCut, look: Look) -> list[Element]:
    t = cut.top
    panel: list[Knot] = [
        (-t.neck, t.neck_y, 1),
        (-t.neck * 0.35, t.neck_y + t.dip * 0.5),
        (t.neck * 0.6, t.neck_y + t.dip + 32),
        (cut.waist, cut.waist_y - 3, 1),
        (cut.waist, cut.waist_y + 6, 1),
        (-cut.waist, cut.waist_y + 6, 1),
        (-t.armpit + 4, t.armpit_y + 4),
        (-t.armpit + 8, t.armpit_y - 40),
        (-t.shoulder + 6, t.shoulder_y, 1),
    ]
    folds = tuple(
        Fold(-t.neck - 14 + 9 * i, t.neck_y + 40 + 18 * i, cut.waist - 6, cut.waist_y - 2, 6, 2.6, 6, 1.0, (0.2, 0.05))
        for i in range(4)
    )
    y, w = cut.waist_y, cut.waist
    half: list[Knot] = [(0, y - 7), (w + 1, y - 9, 1), (w + 2, y + 9, 1), (0, y + 13)]
    tie: list[Knot] = [
        (w - 6, y),
        (w + 8, y + 40),
        (w + 2, y + 96, 1),
        (w + 18, y + 94, 1),
        (w + 20, y + 36),
        (w + 2, y - 2),
    ]
    loop: list[Knot] = [(w - 4, y), (w + 14, y - 16), (w + 30, y - 2), (w + 12, y + 12)]
    return [
        Part(curve(panel), look.cloth, folds=folds, puff=0.3, edge=10, cast=0.4, grain=-0.2),
        Part(curve(mirrored(half)), look.cloth, puff=0.5, edge=7, cast=0.3),
        Part(curve(tie), look.cloth, puff=0.5, edge=6, cast=0.4),
        Part(curve(loop), look.cloth, puff=0.7, edge=8, cast=0.35),
    ]


def _tier(rng: Rng, cut: DressCut, look: Look) -> list[Element]:
    span = cut.length - cut.waist_y
    y1, w1 = cut.waist_y + span * 0.5, cut.waist + (cut.hem - cut.waist) * 0.62
    shape = skirt_outline(cut.waist, cut.waist_y - 4, cut.hip * 0.94, w1, y1, 4, 7)
    folds = gathers(
        rng,
        12,
        (-cut.waist, cut.waist, cut.waist_y + 2),
        (-w1, w1, y1 + 6),
        height=3.6,
        width=5,
        spread=1.9,
        fade=(0.05, 0.02),
    )
    return [Part(shape, look.cloth, folds=folds, edge=14, puff=0.45, cast=0.42)]
