"""Casual outerwear: puffers, bombers, denim jackets and parkas."""

from __future__ import annotations

from dataclasses import replace

from Data.sample.garments.base import BRASS, METAL, Look, Rng, button, hard, patch, seam, stitch, zipper
from Data.sample.garments.hoodie import hood
from Data.sample.garments.polo import collar
from Data.sample.garments.tops import TopCut, body, inside, sleeves
from Data.sample.geometry import Knot, box, curve, ellipse, mirrored, side
from Data.sample.painter import Element, Part, Seam
from Data.sample.palette import darker
from Data.sample.shading import Fold


def _stand(cut: TopCut, look: Look, rise: float, *, puff: float = 0.6) -> list[Element]:
    """Return a standing collar, `rise` pixels high."""
    n, y, front = cut.neck, cut.neck_y, cut.neck_y + cut.dip
    back: list[Knot] = [
        (0, y - rise),
        (n * 0.7, y - rise + 1),
        (n + 2, y - rise + 8, 1),
        (n + 4, y + 4, 1),
        (0, y + 14),
    ]
    items: list[Element] = [Part(curve(mirrored(back)), look.plain, tone=0.66, puff=0.3, edge=8, wrinkle=0.3, cast=0)]
    for sign in (-1, 1):
        leaf: list[Knot] = [
            (n + 2, y - rise + 8, 1),
            (n + 10, y + 10),
            (n * 0.9, y + 20),
            (0, front + 10, 1),
            (0, front - rise * 0.72, 1),
            (n * 0.55, y + cut.dip * 0.3 - rise * 0.55),
        ]
        roll = Fold(sign * (n + 2), y - 4, 0, front - 10, 9, 4, 3, 1.0, (0.1, 0.1))
        items.append(
            Part(curve(side(leaf, sign)), look.plain, folds=(roll,), puff=puff, edge=12, wrinkle=0.4, cast=0.35)
        )
    return items


def puffer(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    """Return a quilted jacket with a standing collar."""
    cloth = replace(look.cloth, weave="satin", gloss=0.06)
    look = replace(look, cloth=cloth)
    items: list[Element] = []
    elbow, wrist, _a1, _a2 = cut.arm()
    step = 42.0 + 8 * (look.variant % 2)
    for sign in (-1, 1):
        bands = []
        joint = cut.joint()
        for i in range(7):
            t = (i + 0.35) / 7
            x, y = (
                (joint[0] + (elbow[0] - joint[0]) * 2 * t, joint[1] + (elbow[1] - joint[1]) * 2 * t)
                if t < 0.5
                else (elbow[0] + (wrist[0] - elbow[0]) * (2 * t - 1), elbow[1] + (wrist[1] - elbow[1]) * (2 * t - 1))
            )
            reach = 62
            tilt = 22 if t < 0.5 else 12
            bands.append(
                Fold(sign * (x - reach), y - tilt, sign * (x + reach), y + tilt, 15, 6.5, 0, 1.0, (0.05, 0.05), 0)
            )
        items.append(
            Part(
                curve(side(cut.sleeve_knots(), sign)),
                cloth,
                folds=tuple(bands),
                edge=24,
                puff=0.7,
                wrinkle=1.6,
                wrinkle_cell=(16, 26),
                cast=0.2,
            )
        )
        items.append(
            Part(
                curve(side(cut.wrist_band(10, -10), sign)),
                cloth.plain(darker(cloth.base, 0.2), "rib"),
                puff=0.5,
                edge=6,
                cast=0.1,
            )
        )
    rows: list[Fold] = []
    lines: list[Element] = []
    outline = cut.body()
    y = cut.neck_y + 40.0
    while y < cut.length + 6:
        rows.append(Fold(-150, y - step / 2, 150, y - step / 2, step * 0.36, 7, 3, 1.0, (0.01, 0.01), 0))
        line = curve([(-140, y), (-60, y + 3), (0, y + 4), (60, y + 3), (140, y)], closed=False)
        lines.append(Seam(line, "seam", None, 1.8, 0.40, within=outline))
        y += step
    items.append(
        Part(
            outline,
            cloth,
            folds=tuple(rows),
            edge=26,
            puff=0.65,
            wrinkle=1.5,
            wrinkle_cell=(16, 26),
            cast=0.2,
            sewn_to=cut.sleeve_outlines(),
        )
    )
    items += lines + cut.armholes()
    items += zipper(0, cut.neck_y + cut.dip - 26, cut.length + 3, look.plain)
    for sign in (-1, 1):
        items.append(seam((sign * 66, cut.length - 104), (sign * 88, cut.length - 44), strength=0.5, width=3))
    return items + _stand(cut, look, 34, puff=0.8)


def bomber(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    """Return a bomber with ribbed collar, cuffs and hem."""
    ribbed = look.trim("rib") if look.variant % 2 else look.cloth.plain(darker(look.cloth.base, 0.15), "rib")
    arms = look.trim() if look.pattern == "block" else look.cloth
    items: list[Element] = [
        Part(curve(side(cut.wrist_band(26, -12), s)), ribbed, grain=-s * 0.14, puff=0.6, edge=10, wrinkle=0.4, cast=0.1)
        for s in (-1, 1)
    ]
    hem: list[Knot] = [
        (0, cut.length - 10),
        (cut.hem, cut.length - 14, 1),
        (cut.hem - 9, cut.length + 26, 1),
        (0, cut.length + 31),
    ]
    items.append(Part(curve(mirrored(hem)), ribbed, puff=0.55, edge=11, wrinkle=0.5, cast=0.1))
    items += inside(cut, look.plain)
    items += sleeves(rng, cut, arms, puff=0.75, wrinkle=1.7)
    items += body(rng, cut, look.cloth, strength=1.2, puff=0.65)
    items.append(seam((-cut.hem - 2, cut.length), (0, cut.length + 5), (cut.hem + 2, cut.length), strength=0.3))
    items += zipper(0, cut.neck_y + cut.dip - 2, cut.length + 28, look.plain)
    for sign in (-1, 1):
        welt: list[Knot] = [
            (54, cut.length - 104, 1),
            (64, cut.length - 108, 1),
            (84, cut.length - 44, 1),
            (73, cut.length - 40, 1),
        ]
        items += patch(curve(side(welt, sign)), look.cloth, look.thread, inset=2)
    n, y = cut.neck, cut.neck_y
    for sign in (-1, 1):
        leaf: list[Knot] = [
            (0, y - 9),
            (n * 0.8, y - 6),
            (n + 8, y + 6),
            (n * 0.9, y + 28),
            (2, y + cut.dip + 11, 1),
            (2, y + cut.dip - 10, 1),
            (n * 0.55, y + 12),
            (n * 0.6, y + 5),
            (0, y + 7),
        ]
        items.append(Part(curve(side(leaf, sign)), ribbed, puff=0.55, edge=9, wrinkle=0.3, cast=0.3, grain=sign * 0.5))
    return items


def trucker(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    """Return a denim jacket with two chest pockets."""
    colour = (0.80, 0.58, 0.28) if look.pattern == "denim" else look.thread
    knob = BRASS if look.pattern == "denim" else METAL
    items: list[Element] = inside(cut, look.plain)
    items.extend(
        Part(curve(side(cut.wrist_band(26, 0), sign)), look.cloth, grain=-sign * 0.14, puff=0.5, edge=9, cast=0.1)
        for sign in (-1, 1)
    )
    hem: list[Knot] = [
        (0, cut.length - 10),
        (cut.hem, cut.length - 12, 1),
        (cut.hem - 2, cut.length + 22, 1),
        (0, cut.length + 27),
    ]
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
        flap: list[Knot] = [
            (26, yoke - 2, 1),
            (76, yoke - 6, 1),
            (77, yoke + 16, 1),
            (51, yoke + 29, 1),
            (26, yoke + 19, 1),
        ]
        items += patch(curve(side(flap, sign)), look.cloth, colour)
        items += button(sign * 51, yoke + 16, knob, 4.4)
    items.append(seam((-cut.hem - 2, cut.length), (0, cut.length + 5), (cut.hem + 2, cut.length), strength=0.36))
    items.append(Part(box(-11, top, 11, bottom, round_by=1), look.cloth, puff=0.35, edge=5, wrinkle=0.4, cast=0.3))
    for x in (-8, 8):
        items.append(stitch((x, top), (x, bottom), colour=colour))
    for i in range(6):
        items += button(0, top + 30 + (bottom - top - 42) * i / 5, knob, 4.8)
    return items + collar(cut, look.cloth, fall=34, open_by=4, tip=32)


def parka(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    """Return a hooded parka."""
    items: list[Element] = []
    items += sleeves(rng, cut, look.cloth, puff=0.7, wrinkle=1.4)
    items += body(rng, cut, look.cloth, strength=1.1, puff=0.58)
    for sign in (-1, 1):
        pocket: list[Knot] = [
            (34, cut.length - 168, 1),
            (92, cut.length - 170, 1),
            (95, cut.length - 92, 1),
            (34, cut.length - 88, 1),
        ]
        flap: list[Knot] = [
            (31, cut.length - 176, 1),
            (95, cut.length - 178, 1),
            (96, cut.length - 152, 1),
            (31, cut.length - 148, 1),
        ]
        items += patch(curve(side(pocket, sign)), look.cloth, look.thread)
        items += patch(curve(side(flap, sign)), look.cloth, look.thread)
        items += button(sign * 63, cut.length - 160, darker(look.cloth.base, 0.4), 3.6)
    waist = cut.armpit_y + 118
    items.append(seam((-cut.waist - 4, waist), (0, waist + 4), (cut.waist + 4, waist), strength=0.3, width=2))
    top = cut.neck_y + cut.dip
    items.append(
        Part(box(-13, top, 13, cut.length + 4, round_by=1), look.cloth, puff=0.35, edge=6, wrinkle=0.6, cast=0.35)
    )
    for i in range(5):
        items.append(
            Part(
                ellipse(0, top + 40 + (cut.length - top - 70) * i / 4, 5, 5, n=24),
                hard(METAL),
                puff=0.4,
                edge=3,
                wrinkle=0,
            )
        )
    return items + hood(rng, cut, look.cloth, look.plain.plain(look.accent), fur=look.variant % 2 == 0)
