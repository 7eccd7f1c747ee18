"""The common build of trousers and shorts: a waistband, two legs, pockets, a fly."""

from __future__ import annotations

from dataclasses import dataclass

from Data.sample.garments.base import BRASS, Look, Rng, button, hard, jitter, patch, pick, seam, stitch
from Data.sample.geometry import Knot, Points, box, curve, ellipse, mirrored, ribbon, side
from Data.sample.painter import Element, Part, Seam, Sketch
from Data.sample.palette import darker, lighter
from Data.sample.shading import Fold


@dataclass(frozen=True)
class LegCut:
    """Measures of trousers in pixels: half widths from the middle, levels down the picture."""

    waist: float = 72
    waist_y: float = 62
    hip: float = 92
    hip_y: float = 152
    crotch_y: float = 226
    knee_out: float = 92
    knee_in: float = 20
    hem_out: float = 86
    hem_in: float = 32
    length: float = 548
    band: float = 24

    def outline(self) -> Points:
        """The outline of both legs, waistband included."""
        knee_y = self.crotch_y + 0.45 * (self.length - self.crotch_y)
        half: list[Knot] = [
            (0, self.waist_y + 5),
            (self.waist * 0.6, self.waist_y + 3),
            (self.waist, self.waist_y, 1),
            (self.waist + 4, self.waist_y + self.band),
            (self.hip, self.hip_y),
            (self.hip + (self.knee_out - self.hip) * 0.35, self.crotch_y + 10),
            (self.knee_out, knee_y),
            (self.hem_out, self.length, 1),
            (self.hem_in, self.length + 3, 1),
            (self.knee_in, knee_y),
            (5, self.crotch_y + 12),
            (0, self.crotch_y, 1),
        ]
        return curve(mirrored(half))


def _vary(cut: LegCut, rng: Rng) -> LegCut:
    return LegCut(
        jitter(rng, cut.waist, 0.05),
        cut.waist_y,
        jitter(rng, cut.hip, 0.04),
        cut.hip_y,
        jitter(rng, cut.crotch_y, 0.02),
        jitter(rng, cut.knee_out, 0.05),
        cut.knee_in,
        jitter(rng, cut.hem_out, 0.06),
        cut.hem_in,
        jitter(rng, cut.length, 0.015),
        cut.band,
    )


def _leg_folds(rng: Rng, cut: LegCut, *, creased: bool) -> tuple[Fold, ...]:
    """Return whiskers from the crotch, creases behind the knees, and lengths along the legs."""
    folds: list[Fold] = []
    reach = cut.length - cut.crotch_y
    for sign in (-1, 1):
        folds.extend(
            Fold(
                sign * pick(rng, 3, 10),
                cut.crotch_y - 6 + 8 * i,
                sign * (cut.hip * pick(rng, 0.6, 0.9)),
                cut.crotch_y - 50 + 30 * i + pick(rng, -8, 8),
                pick(rng, 5, 8),
                pick(rng, 2.4, 4.4),
                pick(rng, -7, 7),
                1.8,
                (0.08, 0.6),
            )
            for i in range(4)
        )
        middle = (cut.knee_out + cut.knee_in) / 2
        if reach > 200:
            knee = cut.crotch_y + 0.45 * reach
            for i in range(4):
                out = i % 2
                x0, x1 = (cut.knee_out, cut.knee_in + 12) if out else (cut.knee_in, cut.knee_out - 12)
                y = knee + pick(rng, -44, 54)
                folds.append(
                    Fold(
                        sign * x0,
                        y,
                        sign * (x0 + (x1 - x0) * pick(rng, 0.5, 0.9)),
                        y + pick(rng, 8, 34),
                        pick(rng, 5, 8),
                        pick(rng, 1.8, 3.6),
                        pick(rng, -4, 4),
                        1.4,
                        (0.1, 0.6),
                    )
                )
            for i in range(2):
                y = cut.length - 14 - 22 * i
                folds.append(
                    Fold(
                        sign * (cut.hem_in - 2),
                        y,
                        sign * (cut.hem_out - 6),
                        y - pick(rng, -8, 14),
                        6,
                        pick(rng, 1.4, 3.2),
                        pick(rng, -4, 4),
                        1.2,
                        (0.15, 0.3),
                    )
                )
        hem = (cut.hem_out + cut.hem_in) / 2
        if creased:
            folds.append(
                Fold(
                    sign * (middle - 2),
                    cut.waist_y + cut.band + 6,
                    sign * hem,
                    cut.length + 4,
                    2.4,
                    1.2,
                    0,
                    1.1,
                    (0.05, 0.01),
                    0,
                )
            )
        else:
            for t in (0.3, 0.7):
                x = cut.hem_in + (cut.hem_out - cut.hem_in) * t + pick(rng, -8, 8)
                folds.append(
                    Fold(
                        sign * (middle + (x - hem) * 0.5),
                        cut.crotch_y + reach * pick(rng, 0.15, 0.4),
                        sign * x,
                        cut.length + 6,
                        pick(rng, 8, 12),
                        pick(rng, 2.0, 4.2),
                        pick(rng, -7, 7),
                        1.6,
                        (0.4, 0.05),
                    )
                )
    return tuple(folds)


def _waist(cut: LegCut, look: Look, *, elastic: bool, rng: Rng) -> list[Element]:
    w, y, b = cut.waist, cut.waist_y, cut.band
    half: list[Knot] = [
        (0, y + 5),
        (w * 0.6, y + 3),
        (w + 1, y, 1),
        (w + 4, y + b, 1),
        (w * 0.6, y + b + 3),
        (0, y + b + 5),
    ]
    if elastic:
        folds = tuple(
            Fold(
                w * (-0.95 + i * 1.9 / 17),
                y + 2,
                w * (-0.95 + i * 1.9 / 17) + pick(rng, -3, 3),
                y + b,
                3.0,
                pick(rng, 1.4, 2.6),
                0,
                1.1,
                (0.1, 0.1),
            )
            for i in range(18)
        )
        items: list[Element] = [
            Part(curve(mirrored(half)), look.plain, folds=folds, puff=0.55, edge=8, wrinkle=0.4, cast=0.25)
        ]
        ink = lighter(look.cloth.base, 0.7)
        for sign in (-1, 1):
            cord: list[Knot] = [(3, y + b * 0.6), (12, y + b + 24), (9 + pick(rng, -3, 5), y + b + 62)]
            items.append(
                Part(
                    ribbon(curve(side(cord, sign), closed=False), 4.4),
                    hard(ink, 0),
                    puff=0.7,
                    edge=4,
                    wrinkle=0,
                    cast=0.45,
                )
            )
        return items
    items = [Part(curve(mirrored(half)), look.cloth, puff=0.45, edge=7, wrinkle=0.3, cast=0.22)]
    items.append(stitch((-w, y + b - 3), (0, y + b + 2), (w, y + b - 3), colour=_thread(look)))
    for x in (-0.78, -0.34, 0.34, 0.78):
        items.append(
            Part(box(w * x - 4, y - 1, w * x + 4, y + b + 6, round_by=2), look.cloth, puff=0.4, edge=4, wrinkle=0)
        )
    items += button(0, y + b * 0.5 + 5, BRASS if look.pattern == "denim" else darker(look.cloth.base, 0.35), 5)
    return items


def _thread(look: Look) -> tuple[float, float, float]:
    return (0.80, 0.58, 0.28) if look.pattern == "denim" else look.thread


def _details(cut: LegCut, look: Look, name: str) -> list[Element]:
    """Return the fly, the slanted pockets and the seams along the legs."""
    y, b, w = cut.waist_y, cut.band, cut.waist
    colour = _thread(look)
    items: list[Element] = [seam((0, y + b + 5), (1, cut.crotch_y), strength=0.30)]
    fly = cut.crotch_y - 30
    items.append(stitch((15, y + b + 4), (15, fly - 26), (11, fly - 8), (1, fly), colour=colour))
    for sign in (-1, 1):
        scoop = look.pattern == "denim"
        mouth: list[Knot] = (
            [(w * 0.56, y + b + 4), (w * 0.66, y + b + 30), (cut.hip * 0.97, y + b + 44)]
            if scoop
            else [(w * 0.70, y + b + 4), (cut.hip * 0.98, y + b + 66)]
        )
        items.append(seam(*side(mouth, sign), strength=0.42, width=2.0))
        items.append(stitch(*side([(k[0] - 4, k[1] + 4) for k in mouth], sign), colour=colour))
        items.append(
            seam(
                *side([(cut.hem_in + 1, cut.length - 10), (cut.hem_out - 1, cut.length - 13)], sign),
                strength=0.2,
                width=1.2,
            )
        )
        if scoop:
            items.append(
                Part(ellipse(sign * (w * 0.6), y + b + 9, 1.9, 1.9, n=14), hard(BRASS), puff=0.3, edge=2, wrinkle=0)
            )
        if name == "cargo":
            knee = cut.crotch_y + 0.30 * (cut.length - cut.crotch_y)
            x = cut.knee_out - 6
            tall = min(86.0, cut.length - knee - 30)
            pocket: list[Knot] = [
                (x - 48, knee, 1),
                (x + 3, knee - 2, 1),
                (x + 4, knee + tall, 1),
                (x - 48, knee + tall, 1),
            ]
            flap: list[Knot] = [
                (x - 51, knee - 7, 1),
                (x + 5, knee - 9, 1),
                (x + 5, knee + 15, 1),
                (x - 23, knee + 21),
                (x - 51, knee + 16, 1),
            ]
            items += patch(curve(side(pocket, sign)), look.cloth, colour)
            items += patch(curve(side(flap, sign)), look.cloth, colour)
            items += button(sign * (x - 23), knee + 10, darker(look.cloth.base, 0.3), 3.2)
    return items


def _stripe(cut: LegCut, look: Look, outline: Points) -> list[Element]:
    """Return a sports stripe down each side."""
    knee = cut.crotch_y + 0.45 * (cut.length - cut.crotch_y)
    items: list[Element] = []
    for sign in (-1, 1):
        for inset in (7, 15):
            path: list[Knot] = [
                (cut.waist + 3 - inset, cut.waist_y + cut.band),
                (cut.hip - inset, cut.hip_y),
                (cut.knee_out - inset, knee),
                (cut.hem_out - inset, cut.length),
            ]
            items.append(Seam(curve(side(path, sign), closed=False), "line", look.accent, 4.2, 0.40, within=outline))
    return items


def draw_bottoms(rng: Rng, look: Look, name: str, cut: LegCut) -> Sketch:
    """Draw trousers or shorts of a named cut."""
    cut = _vary(cut, rng)
    outline = cut.outline()
    soft = name in ("joggers", "drawstring", "running")
    creased = name in ("straight", "wide-leg", "tapered", "chino") and look.pattern in ("plain", "pinstripe", "checks")
    back: list[Knot] = [
        (0, cut.waist_y - 2),
        (cut.waist * 0.7, cut.waist_y - 3),
        (cut.waist, cut.waist_y + 1, 1),
        (0, cut.waist_y + 22),
    ]
    items: list[Element] = [
        Part(curve(mirrored(back)), look.plain, tone=0.66, puff=0.2, cast=0, wrinkle=0.2),
        Part(outline, look.cloth, folds=_leg_folds(rng, cut, creased=creased), edge=26, puff=0.52, wrinkle=1.1),
    ]
    if soft and look.pattern == "plain" and (name == "running" or look.variant % 2):
        items += _stripe(cut, look, outline)
    items += _details(cut, look, name)
    if name == "joggers":
        for sign in (-1, 1):
            band: list[Knot] = [
                (cut.hem_in + 4, cut.length - 4, 1),
                (cut.hem_out - 4, cut.length - 7, 1),
                (cut.hem_out - 9, cut.length + 26, 1),
                (cut.hem_in + 8, cut.length + 28, 1),
            ]
            items.append(
                Part(curve(side(band, sign)), look.cloth.plain(weave="rib"), puff=0.6, edge=9, wrinkle=0.3, cast=0.2)
            )
    items += _waist(cut, look, elastic=soft, rng=rng)
    return Sketch(tuple(items), name)
