"""Woven shirts and blouses: a stiff collar, a full button front, cuffs."""

from __future__ import annotations

from dataclasses import replace

from Data.sample.garments.base import Look, Rng, button, patch, pick, seam, stitch
from Data.sample.garments.polo import collar
from Data.sample.garments.tops import TopCut, drape, inside, sewn_neck, sleeves
from Data.sample.geometry import Knot, box, curve, mirrored, side
from Data.sample.painter import Element, Part, Sketch
from Data.sample.palette import darker, lighter, luma
from Data.sample.shading import Fold

_LONG = TopCut(
    neck=41, dip=40, neck_y=84, sleeve="long", sleeve_length=296, cuff=48, angle=22, bend=13, hem_drop=16, length=508
)
_SHORT = TopCut(
    neck=43, dip=50, neck_y=84, shoulder=120, armpit=108, waist=107, hem=108, cuff=94, sleeve_length=108, angle=40
)
CUTS: tuple[tuple[str, TopCut], ...] = (
    ("button-down", _LONG),
    ("short-sleeved", _SHORT),
    ("oversized", replace(_LONG, shoulder=126, armpit=112, waist=112, hem=113, cuff=52, sleeve_length=284, length=516)),
    ("camp-collar", replace(_SHORT, dip=72, length=492)),
    ("slim", replace(_LONG, shoulder=106, armpit=94, waist=85, hem=93, cuff=44)),
    ("blouse", replace(_LONG, neck=46, dip=62, waist=96, hem=110, hem_drop=6, cuff=62, angle=26, bend=16, length=486)),
)


def _front(cut: TopCut) -> list[Knot]:
    """Return the right half of the front with a shirt's curved tails."""
    return [
        *cut.neck_knots(),
        (cut.shoulder, cut.shoulder_y, 1),
        (cut.shoulder - 7, cut.shoulder_y + 48),
        (cut.armpit - 5, cut.armpit_y - 26),
        (cut.armpit, cut.armpit_y, 1),
        (cut.waist, cut.armpit_y + 0.48 * (cut.length - cut.armpit_y)),
        (cut.hem, cut.length - cut.hem_drop * 2.0, 1),
        (cut.hem * 0.72, cut.length),
        (cut.hem * 0.35, cut.length + cut.hem_drop),
        (0, cut.length + cut.hem_drop),
    ]


def shirt(rng: Rng, look: Look) -> Sketch:
    """Draw a shirt."""
    name, cut = CUTS[look.variant % len(CUTS)]
    cut = sewn_neck(cut, rng)
    cloth = look.cloth
    pearl = lighter(cloth.base, 0.75) if luma(cloth.base) < 0.75 else darker(cloth.base, 0.16)
    items: list[Element] = inside(cut, look.plain)
    items += sleeves(rng, cut, cloth, wrinkle=1.1)
    for sign in (-1, 1):
        if cut.sleeve == "long":
            band = cut.wrist_band(30, 2)
            items.append(
                Part(curve(side(band, sign)), cloth, grain=-sign * 0.16, puff=0.5, edge=10, wrinkle=0.3, cast=0.2)
            )
            items += button(sign * (band[2][0] + 9), band[2][1] - 14, pearl, 3.3)
        else:
            band = cut.wrist_band(12, 1)
            items.append(
                Part(curve(side(band, sign)), cloth, grain=-sign * 0.7, puff=0.4, edge=8, wrinkle=0.3, cast=0.12)
            )
    outline = curve(mirrored(_front(cut)))
    items.append(
        Part(
            outline,
            cloth,
            folds=drape(rng, cut),
            edge=22,
            puff=0.48,
            wrinkle=1.1,
            cast=0.2,
            sewn_to=cut.sleeve_outlines(),
        )
    )
    items += cut.armholes()
    items.append(_tails(cut))
    top = cut.neck_y + cut.dip - 10
    bottom = cut.length + cut.hem_drop - 0.5
    half = 10.5
    pull = tuple(Fold(-half, top + 46 + 58 * i, half, top + 44 + 58 * i, 4, 1.2, 0, 1.0, (0.3, 0.3)) for i in range(6))
    items.append(
        Part(box(-half, top, half, bottom, round_by=1), cloth, folds=pull, puff=0.30, edge=4, wrinkle=0.4, cast=0.26)
    )
    for x in (-half + 2.6, half - 2.6):
        items.append(stitch((x, top), (x, bottom - 4), colour=look.thread, strength=0.2))
    count = 6
    for i in range(count):
        items += button(0, top + 30 + (bottom - top - 64) * i / (count - 1), pearl, 3.9)
    if name in ("button-down", "oversized", "camp-collar", "short-sleeved"):
        y = cut.armpit_y - 14
        pocket: list[Knot] = [(27, y, 1), (75, y, 1), (75, y + 46, 1), (51, y + 58, 1), (27, y + 46, 1)]
        items += patch(curve(pocket), cloth, look.thread)
        items.append(seam((27, y + 11), (75, y + 11), strength=0.2, width=1))
        if name == "oversized":
            items += patch(curve([(-k[0], *k[1:]) for k in pocket][::-1]), cloth, look.thread)
    if name == "camp-collar":
        items += _camp(cut, look)
    elif name == "blouse" and look.variant % 2:
        items += collar(cut, cloth, fall=16, open_by=4, tip=30)
        items += _bow(cut, look, rng)
    else:
        items += collar(cut, cloth, fall=40, open_by=4, tip=20)
        if name == "button-down":
            for sign in (-1, 1):
                items += button(sign * 26, cut.neck_y + cut.dip + 31, pearl, 2.8)
    return Sketch(tuple(items), name)


def _tails(cut: TopCut) -> Element:
    up = 8
    return seam(
        (-cut.hem - 3, cut.length - cut.hem_drop * 2 - up),
        (-cut.hem * 0.72, cut.length - up),
        (-cut.hem * 0.35, cut.length + cut.hem_drop - up),
        (0, cut.length + cut.hem_drop - up),
        (cut.hem * 0.35, cut.length + cut.hem_drop - up),
        (cut.hem * 0.72, cut.length - up),
        (cut.hem + 3, cut.length - cut.hem_drop * 2 - up),
        strength=0.2,
        width=1.1,
    )


def _camp(cut: TopCut, look: Look) -> list[Element]:
    """Return an open, notched collar that lies flat."""
    n, y, front = cut.neck, cut.neck_y, cut.neck_y + cut.dip
    items: list[Element] = []
    back: list[Knot] = [(0, y - 13), (n, y - 6, 1), (n * 0.7, y + 8), (0, y + 12), (-n * 0.7, y + 8), (-n, y - 6, 1)]
    items.append(Part(curve(back), look.cloth, puff=0.4, edge=8, tone=0.88, wrinkle=0.2))
    for sign in (-1, 1):
        lapel: list[Knot] = [
            (3, front + 6, 1),
            (30, front - 18),
            (58, front - 36, 1),
            (n + 4, y + 28, 1),
            (n * 0.7, y + 10),
        ]
        upper: list[Knot] = [
            (n * 0.6, y - 11, 1),
            (n + 4, y - 3),
            (n + 20, y + 16),
            (72, y + 46, 1),
            (n + 3, y + 36, 1),
            (n * 0.84, y + 14),
        ]
        items.append(
            Part(curve(side(lapel, sign)), look.cloth, puff=0.4, edge=8, wrinkle=0.4, cast=0.4, grain=sign * 0.4)
        )
        items.append(
            Part(curve(side(upper, sign)), look.cloth, puff=0.45, edge=8, wrinkle=0.4, cast=0.4, grain=sign * 0.6)
        )
    return items


def _bow(cut: TopCut, look: Look, rng: Rng) -> list[Element]:
    """Return a soft bow tied at the collar."""
    y = cut.neck_y + cut.dip + 6
    items: list[Element] = []
    for sign in (-1, 1):
        tail: list[Knot] = [(0, y), (16, y + 40), (20, y + 104, 1), (38, y + 98, 1), (30, y + 44), (8, y - 2)]
        loop: list[Knot] = [(0, y), (26, y - 20), (48, y - 8), (46, y + 16), (22, y + 14)]
        fold = Fold(0, y, sign * 40, y + 2, 6, 3, 0, 1.6, (0.05, 0.3))
        drop = Fold(sign * 4, y + 4, sign * 29, y + 96, 5, 3, pick(rng, -4, 4), 1.3, (0.05, 0.1))
        items.append(
            Part(curve(side(tail, sign)), look.cloth, folds=(drop,), puff=0.5, edge=8, cast=0.35, grain=-sign * 0.2)
        )
        items.append(
            Part(curve(side(loop, sign)), look.cloth, folds=(fold,), puff=0.7, edge=11, cast=0.35, grain=sign * 1.2)
        )
    items.append(Part(box(-9, y - 9, 9, y + 11, round_by=7), look.cloth, puff=0.7, edge=8))
    return items
