"""Outerwear: blazers, quilted jackets, bombers, trench coats, denim jackets, parkas."""

from __future__ import annotations

from dataclasses import replace

from Data.sample.garments.base import BRASS, METAL, Look, Rng, button, hard, patch, seam, stitch, zipper
from Data.sample.garments.hoodie import hood
from Data.sample.garments.polo import collar
from Data.sample.garments.tops import TopCut, body, drape, inside, sewn_neck, sleeves
from Data.sample.geometry import Knot, box, curve, ellipse, mirrored, side
from Data.sample.painter import Element, Part, Seam, Sketch
from Data.sample.palette import darker, lighter
from Data.sample.shading import Fold

_BASE = TopCut(neck=46, dip=60, neck_y=76, shoulder=120, armpit=106, waist=103, hem=112, length=480, sleeve="long",
               sleeve_length=292, cuff=56, angle=20, bend=12)
CUTS: tuple[tuple[str, TopCut], ...] = (
    ("blazer", replace(_BASE, neck=44, dip=178, neckline="v", waist=98, hem=113)),
    ("puffer", replace(_BASE, shoulder=128, armpit=114, waist=118, hem=112, cuff=66, length=462, dip=24, neck=48, neck_y=88)),
    ("bomber", replace(_BASE, shoulder=126, armpit=112, waist=114, hem=108, cuff=58, length=424, dip=26, neck=48, neck_y=92,
                       shoulder_y=120, armpit_y=228)),
    ("coat", replace(_BASE, neck=42, dip=130, neckline="v", neck_y=50, shoulder=112, shoulder_y=72, armpit=98, armpit_y=176,
                     waist=96, hem=126, length=552, sleeve_length=284, cuff=54)),
    ("denim jacket", replace(_BASE, shoulder=118, armpit=105, waist=104, hem=100, length=438, dip=40, neck_y=92, shoulder_y=120,
                             armpit_y=226, cuff=52)),
    ("trench", replace(_BASE, neck=44, dip=100, neckline="v", neck_y=50, shoulder=114, shoulder_y=74, armpit=100, armpit_y=178,
                       waist=92, hem=136, length=550, sleeve_length=280, cuff=58)),
    ("parka", replace(_BASE, shoulder=124, armpit=112, waist=113, hem=120, cuff=62, length=520, dip=26, neck=50, neck_y=92,
                      shoulder_y=118, armpit_y=226)),
)


def _lapels(cut: TopCut, look: Look, *, peak: bool, reach: float) -> list[Element]:
    """Return notched lapels, `reach` pixels wide at the chest, and the collar behind the neck."""
    n, y, front = cut.neck, cut.neck_y, cut.neck_y + cut.dip
    items: list[Element] = []
    back: list[Knot] = [(0, y - 13), (n * 0.8, y - 10), (n + 3, y - 3, 1), (n * 0.7, y + 9), (0, y + 13), (-n * 0.7, y + 9),
                        (-n - 3, y - 3, 1), (-n * 0.8, y - 10)]
    items.append(Part(curve(back), look.cloth, puff=0.4, edge=8, tone=0.88, wrinkle=0.2))
    notch = y + cut.dip * 0.36
    for sign in (-1, 1):
        lapel: list[Knot] = [(1, front + 2, 1), (n * 0.42, front - cut.dip * 0.44), (n * 0.86, y + 30), (n + 6, y + 20, 1),
                             (n + 12, notch - 6, 1), (n + reach, notch - (22 if peak else 2), 1),
                             (n + reach * 0.62, notch + cut.dip * 0.28), (12, front + 3, 1)]
        upper: list[Knot] = [(n * 0.60, y - 10, 1), (n + 5, y - 2), (n + 23, y + 14), (n + reach * 0.86, notch - 16, 1),
                             (n + 11, notch - 2, 1), (n * 0.96, y + 28), (n * 0.84, y + 12)]
        items.append(Part(curve(side(lapel, sign)), look.cloth, puff=0.35, edge=9, wrinkle=0.4, cast=0.45, grain=sign * 0.25))
        items.append(Part(curve(side(upper, sign)), look.cloth, puff=0.42, edge=8, wrinkle=0.4, cast=0.42, grain=sign * 0.7))
    return items


def _flap(cut: TopCut, look: Look, y: float, x0: float = 36, x1: float = 84) -> list[Element]:
    items: list[Element] = []
    for sign in (-1, 1):
        shape: list[Knot] = [(x0, y, 1), (x1, y - 4, 1), (x1 + 1, y + 17, 1), (x0, y + 21, 1)]
        items.append(Part(curve(side(shape, sign)), look.cloth, puff=0.3, edge=5, wrinkle=0.3, cast=0.4))
    return items


def _blazer(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    items = sleeves(rng, cut, look.cloth, puff=0.6, wrinkle=0.7)
    items += _lining(cut, look)
    double = look.variant % 2 == 1
    half: list[Knot] = [*cut.neck_knots(), (cut.shoulder, cut.shoulder_y, 1), (cut.shoulder - 7, cut.shoulder_y + 48),
                        (cut.armpit - 5, cut.armpit_y - 26), (cut.armpit, cut.armpit_y, 1),
                        (cut.waist, cut.armpit_y + 90), (cut.hem, cut.length, 1), (cut.hem * 0.5, cut.length + 5)]
    tail: list[Knot] = [(0, cut.length + 6)] if double else [(28, cut.length - 4), (4, cut.length - 58, 1), (0, cut.length - 84)]
    items.append(Part(curve(mirrored([*half, *tail])), look.cloth, folds=drape(rng, cut, strength=0.55), edge=24, puff=0.5,
                      wrinkle=0.6, cast=0.2, sewn_to=cut.sleeve_outlines()))
    items += cut.armholes()
    front = cut.neck_y + cut.dip
    x = 16 if double else 0
    items.append(seam((x, front), (x, cut.length + 4) if double else (0, cut.length - 80), strength=0.4, width=1.8))
    knob = darker(look.cloth.base, 0.45) if look.variant % 3 else BRASS
    for i in range(2):
        y = front + 16 + 50 * i
        for bx in ((-32, 32) if double else (-4,)):
            items += button(bx, y, knob, 5.6)
    for sign in (-1, 1):
        items.append(seam((sign * 58, cut.armpit_y + 10), (sign * 52, cut.armpit_y + 96), (sign * 58, cut.length - 110), strength=0.2))
    items += _flap(cut, look, cut.length - 106)
    items.append(seam((40, cut.armpit_y + 2), (78, cut.armpit_y - 6), strength=0.5, width=3))
    return items + _lapels(cut, look, peak=double, reach=40)


def _lining(cut: TopCut, look: Look) -> list[Element]:
    n, y, d = cut.neck, cut.neck_y, cut.dip
    half: list[Knot] = [(0, y + 6), (n * 0.6, y + 5), (n + 1, y, 1), (n * 0.8, y + d * 0.5), (8, y + d + 14, 1), (0, y + d + 16)]
    folds = (Fold(-6, y + 30, 4, y + d, 12, -4, 3, 1.0, (0.2, 0.3)),)
    lining = look.cloth.plain(lighter(look.cloth.base, 0.22), "satin")
    return [
        Part(curve(mirrored(half)), lining, folds=folds, tone=0.62, puff=0.2, cast=0, wrinkle=0.6),
        seam((-n, y + 5), (0, y + 20), (n, y + 5), strength=0.3),
        Part(box(-13, y + 26, 13, y + 40, round_by=1), hard((0.9, 0.88, 0.84), 0), puff=0.1, wrinkle=0, tone=0.85, cast=0.2),
    ]


def _stand(cut: TopCut, look: Look, rise: float, *, puff: float = 0.6) -> list[Element]:
    """Return a standing collar, `rise` pixels high."""
    n, y, front = cut.neck, cut.neck_y, cut.neck_y + cut.dip
    back: list[Knot] = [(0, y - rise), (n * 0.7, y - rise + 1), (n + 2, y - rise + 8, 1), (n + 4, y + 4, 1), (0, y + 14)]
    items: list[Element] = [Part(curve(mirrored(back)), look.plain, tone=0.66, puff=0.3, edge=8, wrinkle=0.3, cast=0)]
    for sign in (-1, 1):
        leaf: list[Knot] = [(n + 2, y - rise + 8, 1), (n + 10, y + 10), (n * 0.9, y + 20), (0, front + 10, 1), (0, front - rise * 0.72, 1),
                            (n * 0.55, y + cut.dip * 0.3 - rise * 0.55)]
        roll = Fold(sign * (n + 2), y - 4, 0, front - 10, 9, 4, 3, 1.0, (0.1, 0.1))
        items.append(Part(curve(side(leaf, sign)), look.plain, folds=(roll,), puff=puff, edge=12, wrinkle=0.4, cast=0.35))
    return items


def _puffer(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    cloth = replace(look.cloth, weave="satin", gloss=0.06)
    look = replace(look, cloth=cloth)
    items: list[Element] = []
    elbow, wrist, a1, a2 = cut.arm()
    step = 42.0 + 8 * (look.variant % 2)
    for sign in (-1, 1):
        bands = []
        joint = cut.joint()
        for i in range(7):
            t = (i + 0.35) / 7
            x, y = (joint[0] + (elbow[0] - joint[0]) * 2 * t, joint[1] + (elbow[1] - joint[1]) * 2 * t) if t < 0.5 else (
                elbow[0] + (wrist[0] - elbow[0]) * (2 * t - 1), elbow[1] + (wrist[1] - elbow[1]) * (2 * t - 1))
            reach = 62
            tilt = 22 if t < 0.5 else 12
            bands.append(Fold(sign * (x - reach), y - tilt, sign * (x + reach), y + tilt, 15, 6.5, 0, 1.0, (0.05, 0.05), 0))
        items.append(Part(curve(side(cut.sleeve_knots(), sign)), cloth, folds=tuple(bands), edge=24, puff=0.7, wrinkle=1.6,
                          wrinkle_cell=(16, 26), cast=0.2))
        items.append(Part(curve(side(cut.wrist_band(10, -10), sign)), cloth.plain(darker(cloth.base, 0.2), "rib"), puff=0.5, edge=6, cast=0.1))
    rows: list[Fold] = []
    lines: list[Element] = []
    outline = cut.body()
    y = cut.neck_y + 40.0
    while y < cut.length + 6:
        rows.append(Fold(-150, y - step / 2, 150, y - step / 2, step * 0.36, 7, 3, 1.0, (0.01, 0.01), 0))
        line = curve([(-140, y), (-60, y + 3), (0, y + 4), (60, y + 3), (140, y)], closed=False)
        lines.append(Seam(line, "seam", None, 1.8, 0.40, within=outline))
        y += step
    items.append(Part(outline, cloth, folds=tuple(rows), edge=26, puff=0.65, wrinkle=1.5, wrinkle_cell=(16, 26), cast=0.2,
                      sewn_to=cut.sleeve_outlines()))
    items += lines + cut.armholes()
    items += zipper(0, cut.neck_y + cut.dip - 26, cut.length + 3, look.plain)
    for sign in (-1, 1):
        items.append(seam((sign * 66, cut.length - 104), (sign * 88, cut.length - 44), strength=0.5, width=3))
    return items + _stand(cut, look, 34, puff=0.8)


def _bomber(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    ribbed = look.trim("rib") if look.variant % 2 else look.cloth.plain(darker(look.cloth.base, 0.15), "rib")
    arms = look.trim() if look.pattern == "block" else look.cloth
    items: list[Element] = [
        Part(curve(side(cut.wrist_band(26, -12), s)), ribbed, grain=-s * 0.14, puff=0.6, edge=10, wrinkle=0.4, cast=0.1)
        for s in (-1, 1)
    ]
    hem: list[Knot] = [(0, cut.length - 10), (cut.hem, cut.length - 14, 1), (cut.hem - 9, cut.length + 26, 1), (0, cut.length + 31)]
    items.append(Part(curve(mirrored(hem)), ribbed, puff=0.55, edge=11, wrinkle=0.5, cast=0.1))
    items += inside(cut, look.plain)
    items += sleeves(rng, cut, arms, puff=0.75, wrinkle=1.7)
    items += body(rng, cut, look.cloth, strength=1.2, puff=0.65)
    items.append(seam((-cut.hem - 2, cut.length), (0, cut.length + 5), (cut.hem + 2, cut.length), strength=0.3))
    items += zipper(0, cut.neck_y + cut.dip - 2, cut.length + 28, look.plain)
    for sign in (-1, 1):
        welt: list[Knot] = [(54, cut.length - 104, 1), (64, cut.length - 108, 1), (84, cut.length - 44, 1), (73, cut.length - 40, 1)]
        items += patch(curve(side(welt, sign)), look.cloth, look.thread, inset=2)
    n, y = cut.neck, cut.neck_y
    for sign in (-1, 1):
        leaf: list[Knot] = [(0, y - 9), (n * 0.8, y - 6), (n + 8, y + 6), (n * 0.9, y + 28), (2, y + cut.dip + 11, 1),
                            (2, y + cut.dip - 10, 1), (n * 0.55, y + 12), (n * 0.6, y + 5), (0, y + 7)]
        items.append(Part(curve(side(leaf, sign)), ribbed, puff=0.55, edge=9, wrinkle=0.3, cast=0.3, grain=sign * 0.5))
    return items


def _coat(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    items = sleeves(rng, cut, look.cloth, puff=0.6, wrinkle=0.8)
    items += _lining(cut, look)
    items.append(Part(cut.body(), look.cloth, folds=drape(rng, cut, strength=0.8), edge=26, puff=0.5, wrinkle=0.8, cast=0.2,
                      sewn_to=cut.sleeve_outlines()))
    items += cut.armholes()
    front = cut.neck_y + cut.dip
    double = look.variant % 2 == 0
    x = 22 if double else 8
    items.append(seam((x * 0.3, front), (x, front + 30), (x, cut.length + 5), strength=0.42, width=2))
    knob = darker(look.cloth.base, 0.5)
    for i in range(3):
        for bx in ((-34, 30) if double else (-2,)):
            items += button(bx, front + 18 + 66 * i, knob, 6.2)
    items += _flap(cut, look, cut.armpit_y + 190, 40, 92)
    return items + _lapels(cut, look, peak=False, reach=44)


def _trench(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    items = sleeves(rng, cut, look.cloth, puff=0.6, wrinkle=1.0)
    items += _lining(cut, look)
    items.append(Part(cut.body(), look.cloth, folds=drape(rng, cut, strength=1.0), edge=24, puff=0.5, wrinkle=1.1, cast=0.2,
                      sewn_to=cut.sleeve_outlines()))
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
        storm: list[Knot] = [(cut.neck - 2, cut.neck_y + 14, 1), (cut.shoulder - 2, cut.shoulder_y + 2, 1), (cut.shoulder - 7, cut.armpit_y - 40),
                             (70, cut.armpit_y + 2), (36, cut.armpit_y - 14, 1)]
        if sign > 0:
            items.append(Part(curve(side(storm, sign)), look.cloth, puff=0.3, edge=6, wrinkle=0.5, cast=0.4))
        loop: list[Knot] = [(cut.shoulder - 42, cut.shoulder_y - 16, 1), (cut.shoulder + 2, cut.shoulder_y - 1, 1),
                            (cut.shoulder - 2, cut.shoulder_y + 13, 1), (cut.shoulder - 44, cut.shoulder_y - 2, 1)]
        items += patch(curve(side(loop, sign)), look.cloth, look.thread, inset=2)
        welt: list[Knot] = [(58, belt_y + 48, 1), (70, belt_y + 46, 1), (84, belt_y + 112, 1), (72, belt_y + 115, 1)]
        items += patch(curve(side(welt, sign)), look.cloth, look.thread, inset=2)
    w = cut.waist
    strip: list[Knot] = [(0, belt_y - 9), (w - 1, belt_y - 12, 1), (w, belt_y + 10, 1), (0, belt_y + 14)]
    items.append(Part(curve(mirrored(strip)), look.cloth, puff=0.5, edge=7, wrinkle=0.4, cast=0.45))
    tail: list[Knot] = [(14, belt_y - 2, 1), (38, belt_y + 30), (46, belt_y + 96, 1), (28, belt_y + 100, 1), (20, belt_y + 40)]
    items.append(Part(curve(tail), look.cloth, puff=0.5, edge=6, wrinkle=0.4, cast=0.45))
    buckle = box(-13, belt_y - 14, 13, belt_y + 18, round_by=4)
    items.append(Part(buckle, hard((0.36, 0.24, 0.16)), puff=0.5, edge=4, wrinkle=0, holes=(box(-7, belt_y - 7, 7, belt_y + 11),), cast=0.4))
    return items + _lapels(cut, look, peak=False, reach=48)


def _trucker(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    colour = (0.80, 0.58, 0.28) if look.pattern == "denim" else look.thread
    knob = BRASS if look.pattern == "denim" else METAL
    items: list[Element] = inside(cut, look.plain)
    for sign in (-1, 1):
        items.append(Part(curve(side(cut.wrist_band(26, 0), sign)), look.cloth, grain=-sign * 0.14, puff=0.5, edge=9, cast=0.1))
    hem: list[Knot] = [(0, cut.length - 10), (cut.hem, cut.length - 12, 1), (cut.hem - 2, cut.length + 22, 1), (0, cut.length + 27)]
    items.append(Part(curve(mirrored(hem)), look.cloth, puff=0.45, edge=9, wrinkle=0.3, cast=0.1))
    items += sleeves(rng, cut, look.cloth, wrinkle=1.4)
    items += body(rng, cut, look.cloth, strength=0.85, puff=0.5)
    yoke = cut.shoulder_y + 68
    top, bottom = cut.neck_y + cut.dip - 4, cut.length + 24
    items.append(seam((-cut.shoulder, yoke - 8), (0, yoke), (cut.shoulder, yoke - 8), strength=0.4))
    items.append(stitch((-cut.shoulder, yoke - 4), (0, yoke + 4), (cut.shoulder, yoke - 4), colour=colour))
    for sign in (-1, 1):
        for k in (0, 34):
            line: list[Knot] = [(30 + k, yoke), (26 + k * 0.7, cut.length)]
            items.append(seam(*side(line, sign), strength=0.36))
            items.append(stitch(*side([(p[0] + 4, p[1]) for p in line], sign), colour=colour))
        flap: list[Knot] = [(26, yoke - 2, 1), (76, yoke - 6, 1), (77, yoke + 16, 1), (51, yoke + 29, 1), (26, yoke + 19, 1)]
        items += patch(curve(side(flap, sign)), look.cloth, colour)
        items += button(sign * 51, yoke + 16, knob, 4.4)
    items.append(seam((-cut.hem - 2, cut.length), (0, cut.length + 5), (cut.hem + 2, cut.length), strength=0.36))
    items.append(Part(box(-11, top, 11, bottom, round_by=1), look.cloth, puff=0.35, edge=5, wrinkle=0.4, cast=0.3))
    for x in (-8, 8):
        items.append(stitch((x, top), (x, bottom), colour=colour))
    for i in range(6):
        items += button(0, top + 30 + (bottom - top - 42) * i / 5, knob, 4.8)
    return items + collar(cut, look.cloth, fall=34, open_by=4, tip=32)


def _parka(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    items: list[Element] = []
    items += sleeves(rng, cut, look.cloth, puff=0.7, wrinkle=1.4)
    items += body(rng, cut, look.cloth, strength=1.1, puff=0.58)
    for sign in (-1, 1):
        pocket: list[Knot] = [(34, cut.length - 168, 1), (92, cut.length - 170, 1), (95, cut.length - 92, 1), (34, cut.length - 88, 1)]
        flap: list[Knot] = [(31, cut.length - 176, 1), (95, cut.length - 178, 1), (96, cut.length - 152, 1), (31, cut.length - 148, 1)]
        items += patch(curve(side(pocket, sign)), look.cloth, look.thread)
        items += patch(curve(side(flap, sign)), look.cloth, look.thread)
        items += button(sign * 63, cut.length - 160, darker(look.cloth.base, 0.4), 3.6)
    waist = cut.armpit_y + 118
    items.append(seam((-cut.waist - 4, waist), (0, waist + 4), (cut.waist + 4, waist), strength=0.3, width=2))
    top = cut.neck_y + cut.dip
    items.append(Part(box(-13, top, 13, cut.length + 4, round_by=1), look.cloth, puff=0.35, edge=6, wrinkle=0.6, cast=0.35))
    for i in range(5):
        items.append(Part(ellipse(0, top + 40 + (cut.length - top - 70) * i / 4, 5, 5, n=24), hard(METAL), puff=0.4, edge=3, wrinkle=0))
    return items + hood(rng, cut, look.cloth, look.plain.plain(look.accent), fur=look.variant % 2 == 0)


DRAW = {
    "blazer": _blazer, "puffer": _puffer, "bomber": _bomber, "coat": _coat, "denim jacket": _trucker, "trench": _trench,
    "parka": _parka,
}


def outerwear(rng: Rng, look: Look) -> Sketch:
    """Draw a jacket or a coat."""
    name, cut = CUTS[look.variant % len(CUTS)]
    if look.pattern == "denim":
        name, cut = CUTS[4]
    elif name == "denim jacket":
        name, cut = CUTS[2]
    cut = sewn_neck(cut, rng)
    return Sketch(tuple(DRAW[name](rng, cut, look)), name)
