"""Tailored outerwear: blazers, coats and trench coats, with lapels and linings."""

from __future__ import annotations

from Data.sample.garments.base import BRASS, Look, Rng, button, hard, patch, seam
from Data.sample.garments.tops import TopCut, drape, sleeves
from Data.sample.geometry import Knot, box, curve, mirrored, side
from Data.sample.painter import Element, Part
from Data.sample.palette import darker, lighter
from Data.sample.shading import Fold


def _lapels(cut: TopCut, look: Look, *, peak: bool, reach: float) -> list[Element]:
    """Return notched lapels, `reach` pixels wide at the chest, and the collar behind the neck."""
    n, y, front = cut.neck, cut.neck_y, cut.neck_y + cut.dip
    items: list[Element] = []
    back: list[Knot] = [
        (0, y - 13),
        (n * 0.8, y - 10),
        (n + 3, y - 3, 1),
        (n * 0.7, y + 9),
        (0, y + 13),
        (-n * 0.7, y + 9),
        (-n - 3, y - 3, 1),
        (-n * 0.8, y - 10),
    ]
    items.append(Part(curve(back), look.cloth, puff=0.4, edge=8, tone=0.88, wrinkle=0.2))
    notch = y + cut.dip * 0.36
    for sign in (-1, 1):
        lapel: list[Knot] = [
            (1, front + 2, 1),
            (n * 0.42, front - cut.dip * 0.44),
            (n * 0.86, y + 30),
            (n + 6, y + 20, 1),
            (n + 12, notch - 6, 1),
            (n + reach, notch - (22 if peak else 2), 1),
            (n + reach * 0.62, notch + cut.dip * 0.28),
            (12, front + 3, 1),
        ]
        upper: list[Knot] = [
            (n * 0.60, y - 10, 1),
            (n + 5, y - 2),
            (n + 23, y + 14),
            (n + reach * 0.86, notch - 16, 1),
            (n + 11, notch - 2, 1),
            (n * 0.96, y + 28),
            (n * 0.84, y + 12),
        ]
        items.append(
            Part(curve(side(lapel, sign)), look.cloth, puff=0.35, edge=9, wrinkle=0.4, cast=0.45, grain=sign * 0.25)
        )
        items.append(
            Part(curve(side(upper, sign)), look.cloth, puff=0.42, edge=8, wrinkle=0.4, cast=0.42, grain=sign * 0.7)
        )
    return items


def _flap(cut: TopCut, look: Look, y: float, x0: float = 36, x1: float = 84) -> list[Element]:
    items: list[Element] = []
    for sign in (-1, 1):
        shape: list[Knot] = [(x0, y, 1), (x1, y - 4, 1), (x1 + 1, y + 17, 1), (x0, y + 21, 1)]
        items.append(Part(curve(side(shape, sign)), look.cloth, puff=0.3, edge=5, wrinkle=0.3, cast=0.4))
    return items


def _lining(cut: TopCut, look: Look) -> list[Element]:
    n, y, d = cut.neck, cut.neck_y, cut.dip
    half: list[Knot] = [
        (0, y + 6),
        (n * 0.6, y + 5),
        (n + 1, y, 1),
        (n * 0.8, y + d * 0.5),
        (8, y + d + 14, 1),
        (0, y + d + 16),
    ]
    folds = (Fold(-6, y + 30, 4, y + d, 12, -4, 3, 1.0, (0.2, 0.3)),)
    lining = look.cloth.plain(lighter(look.cloth.base, 0.22), "satin")
    return [
        Part(curve(mirrored(half)), lining, folds=folds, tone=0.62, puff=0.2, cast=0, wrinkle=0.6),
        seam((-n, y + 5), (0, y + 20), (n, y + 5), strength=0.3),
        Part(
            box(-13, y + 26, 13, y + 40, round_by=1),
            hard((0.9, 0.88, 0.84), 0),
            puff=0.1,
            wrinkle=0,
            tone=0.85,
            cast=0.2,
        ),
    ]


def blazer(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    """Return a blazer with notched or peaked lapels."""
    items = sleeves(rng, cut, look.cloth, puff=0.6, wrinkle=0.7)
    items += _lining(cut, look)
    double = look.variant % 2 == 1
    half: list[Knot] = [
        *cut.neck_knots(),
        (cut.shoulder, cut.shoulder_y, 1),
        (cut.shoulder - 7, cut.shoulder_y + 48),
        (cut.armpit - 5, cut.armpit_y - 26),
        (cut.armpit, cut.armpit_y, 1),
        (cut.waist, cut.armpit_y + 90),
        (cut.hem, cut.length, 1),
        (cut.hem * 0.5, cut.length + 5),
    ]
    tail: list[Knot] = (
        [(0, cut.length + 6)] if double else [(28, cut.length - 4), (4, cut.length - 58, 1), (0, cut.length - 84)]
    )
    items.append(
        Part(
            curve(mirrored([*half, *tail])),
            look.cloth,
            folds=drape(rng, cut, strength=0.55),
            edge=24,
            puff=0.5,
            wrinkle=0.6,
            cast=0.2,
            sewn_to=cut.sleeve_outlines(),
        )
    )
    items += cut.armholes()
    front = cut.neck_y + cut.dip
    x = 16 if double else 0
    items.append(seam((x, front), (x, cut.length + 4) if double else (0, cut.length - 80), strength=0.4, width=1.8))
    knob = darker(look.cloth.base, 0.45) if look.variant % 3 else BRASS
    for i in range(2):
        y = front + 16 + 50 * i
        for bx in (-32, 32) if double else (-4,):
            items += button(bx, y, knob, 5.6)
    for sign in (-1, 1):
        items.append(
            seam(
                (sign * 58, cut.armpit_y + 10),
                (sign * 52, cut.armpit_y + 96),
                (sign * 58, cut.length - 110),
                strength=0.2,
            )
        )
    items += _flap(cut, look, cut.length - 106)
    items.append(seam((40, cut.armpit_y + 2), (78, cut.armpit_y - 6), strength=0.5, width=3))
    return items + _lapels(cut, look, peak=double, reach=40)


def coat(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    """Return a long coat."""
    items = sleeves(rng, cut, look.cloth, puff=0.6, wrinkle=0.8)
    items += _lining(cut, look)
    items.append(
        Part(
            cut.body(),
            look.cloth,
            folds=drape(rng, cut, strength=0.8),
            edge=26,
            puff=0.5,
            wrinkle=0.8,
            cast=0.2,
            sewn_to=cut.sleeve_outlines(),
        )
    )
    items += cut.armholes()
    front = cut.neck_y + cut.dip
    double = look.variant % 2 == 0
    x = 22 if double else 8
    items.append(seam((x * 0.3, front), (x, front + 30), (x, cut.length + 5), strength=0.42, width=2))
    knob = darker(look.cloth.base, 0.5)
    for i in range(3):
        for bx in (-34, 30) if double else (-2,):
            items += button(bx, front + 18 + 66 * i, knob, 6.2)
    items += _flap(cut, look, cut.armpit_y + 190, 40, 92)
    return items + _lapels(cut, look, peak=False, reach=44)


def trench(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    """Return a belted trench coat."""
    items = sleeves(rng, cut, look.cloth, puff=0.6, wrinkle=1.0)
    items += _lining(cut, look)
    items.append(
        Part(
            cut.body(),
            look.cloth,
            folds=drape(rng, cut, strength=1.0),
            edge=24,
            puff=0.5,
            wrinkle=1.1,
            cast=0.2,
            sewn_to=cut.sleeve_outlines(),
        )
    )
    items += cut.armholes()
    front = cut.neck_y + cut.dip
    belt_y = cut.armpit_y + 108
    items.append(seam((10, front), (26, front + 40), (30, cut.length + 5), strength=0.42, width=2))
    knob = (0.30, 0.20, 0.14)
    for i in range(2):
        for bx in (-36, 36):
            items += button(bx, front + 24 + 54 * i, knob, 5.6)
    for bx in (-36, 36):
        items += button(bx, belt_y + 60, knob, 5.6)
    for sign in (-1, 1):
        storm: list[Knot] = [
            (cut.neck - 2, cut.neck_y + 14, 1),
            (cut.shoulder - 2, cut.shoulder_y + 2, 1),
            (cut.shoulder - 7, cut.armpit_y - 40),
            (70, cut.armpit_y + 2),
            (36, cut.armpit_y - 14, 1),
        ]
        if sign > 0:
            items.append(Part(curve(side(storm, sign)), look.cloth, puff=0.3, edge=6, wrinkle=0.5, cast=0.4))
        loop: list[Knot] = [
            (cut.shoulder - 42, cut.shoulder_y - 16, 1),
            (cut.shoulder + 2, cut.shoulder_y - 1, 1),
            (cut.shoulder - 2, cut.shoulder_y + 13, 1),
            (cut.shoulder - 44, cut.shoulder_y - 2, 1),
        ]
        items += patch(curve(side(loop, sign)), look.cloth, look.thread, inset=2)
        welt: list[Knot] = [(58, belt_y + 48, 1), (70, belt_y + 46, 1), (84, belt_y + 112, 1), (72, belt_y + 115, 1)]
        items += patch(curve(side(welt, sign)), look.cloth, look.thread, inset=2)
    w = cut.waist
    strip: list[Knot] = [(0, belt_y - 9), (w - 1, belt_y - 12, 1), (w, belt_y + 10, 1), (0, belt_y + 14)]
    items.append(Part(curve(mirrored(strip)), look.cloth, puff=0.5, edge=7, wrinkle=0.4, cast=0.45))
    tail: list[Knot] = [
        (14, belt_y - 2, 1),
        (38, belt_y + 30),
        (46, belt_y + 96, 1),
        (28, belt_y + 100, 1),
        (20, belt_y + 40),
    ]
    items.append(Part(curve(tail), look.cloth, puff=0.5, edge=6, wrinkle=0.4, cast=0.45))
    buckle = box(-13, belt_y - 14, 13, belt_y + 18, round_by=4)
    items.append(
        Part(
            buckle,
            hard((0.36, 0.24, 0.16)),
            puff=0.5,
            edge=4,
            wrinkle=0,
            holes=(box(-7, belt_y - 7, 7, belt_y + 11),),
            cast=0.4,
        )
    )
    return items + _lapels(cut, look, peak=False, reach=48)
