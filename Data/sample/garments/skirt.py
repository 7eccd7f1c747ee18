"""Skirts: A-line, pencil, pleated, tiered, wrapped, denim."""

from __future__ import annotations

import math
from dataclasses import dataclass

from Data.sample.garments.base import BRASS, Look, Rng, button, gathers, jitter, pick, seam, stitch
from Data.sample.geometry import Knot, Points, curve, mirrored
from Data.sample.painter import Element, Part, Sketch
from Data.sample.palette import darker
from Data.sample.shading import Fold


@dataclass(frozen=True)
class SkirtCut:
    """Measures in pixels: half widths, levels, and how deep the hem waves."""

    waist: float = 70
    waist_y: float = 118
    hip: float = 104
    hem: float = 150
    length: float = 470
    wave: float = 6
    waves: int = 5


CUTS: tuple[tuple[str, SkirtCut], ...] = (
    ("A-line", SkirtCut()),
    ("pencil", SkirtCut(waist=72, hip=104, hem=86, length=500, wave=0, waist_y=100)),
    ("pleated", SkirtCut(waist=72, hip=104, hem=156, length=468, wave=4, waves=13, waist_y=120)),
    ("tiered", SkirtCut(waist=68, hip=100, hem=170, length=522, wave=7, waves=9, waist_y=84)),
    ("mini", SkirtCut(waist=84, hip=122, hem=146, length=392, wave=2, waves=3, waist_y=164)),
    ("flared", SkirtCut(waist=64, hip=100, hem=192, length=486, wave=13, waves=6, waist_y=104)),
    ("wrap", SkirtCut(waist=72, hip=104, hem=138, length=496, wave=5, waves=4, waist_y=98)),
)


def _ripple(waves: int, t: float) -> float:
    """Return an uneven wave in about -1..1 along a hem, `t` in 0..1."""
    turn = 2 * math.pi * waves * t
    return 0.62 * math.sin(turn + 0.8 * math.sin(5.1 * t + waves)) * (0.75 + 0.45 * math.sin(7.3 * t + 2 * waves))


def skirt_outline(waist: float, top: float, hip: float, hem: float, length: float, wave: float, waves: int) -> Points:
    """Return a skirt's outline: the sides from waist to hem, and a waving hem."""
    right: list[Knot] = [
        (0, top + 4),
        (waist * 0.6, top + 3),
        (waist, top, 1),
        (hip, top + 0.30 * (length - top)),
        (hem, length - 8, 1),
    ]
    left = [(-k[0], *k[1:]) for k in reversed(right[1:])]
    count = max(8, waves * 8)
    hem_knots: list[Knot] = []
    for i in range(1, count):
        t = i / count
        bow = 14 * (1 - (2 * t - 1) ** 2)
        hem_knots.append((hem - 2 * hem * t, length - 8 + bow + wave * _ripple(waves, t)))
    return curve([*right, *hem_knots, *left], per=4)


def waistband(waist: float, top: float, look: Look, *, depth: float = 22) -> list[Element]:
    """Return a waistband and the inside of the back above it."""
    half: list[Knot] = [
        (0, top + 4),
        (waist * 0.6, top + 3),
        (waist + 1, top, 1),
        (waist + 4, top + depth, 1),
        (waist * 0.6, top + depth + 3),
        (0, top + depth + 4),
    ]
    return [Part(curve(mirrored(half)), look.cloth, puff=0.45, edge=7, wrinkle=0.3, cast=0.25)]


def _pleats(cut: SkirtCut, count: int) -> tuple[Fold, ...]:
    """Return knife pleats: narrow ridges at even steps, fanning out."""
    folds = []
    for i in range(count + 1):
        t = -1 + 2 * i / count
        folds.append(
            Fold(cut.waist * t, cut.waist_y + 22, cut.hem * t, cut.length + 14, 3.0, 4.6, 0, 2.4, (0.03, 0.001))
        )
    return tuple(folds)


def skirt(rng: Rng, look: Look) -> Sketch:
    """Draw a skirt."""
    name, cut = CUTS[look.variant % len(CUTS)]
    cut = SkirtCut(
        jitter(rng, cut.waist, 0.05),
        cut.waist_y,
        jitter(rng, cut.hip, 0.04),
        jitter(rng, cut.hem, 0.05),
        jitter(rng, cut.length, 0.04),
        cut.wave,
        cut.waves,
    )
    outline = skirt_outline(cut.waist, cut.waist_y, cut.hip, cut.hem, cut.length, cut.wave, cut.waves)
    top = (-cut.waist * 0.95, cut.waist * 0.95, cut.waist_y + 16)
    bottom = (-cut.hem * 0.97, cut.hem * 0.97, cut.length + 10)
    if name == "pleated":
        folds = _pleats(cut, 14)
    elif name == "pencil":
        folds = (
            *(
                Fold(
                    s * cut.hip,
                    cut.waist_y + 120 + 14 * i,
                    s * 22,
                    cut.waist_y + 106 + 22 * i,
                    8,
                    2.6,
                    6,
                    1.5,
                    (0.1, 0.6),
                )
                for s in (-1, 1)
                for i in range(4)
            ),
            *gathers(rng, 4, top, bottom, height=2.0, width=9, fade=(0.5, 0.05)),
        )
    elif name == "mini":
        folds = gathers(rng, 6, top, bottom, height=2.6, width=8)
    else:
        folds = gathers(
            rng, {"A-line": 7, "tiered": 13, "flared": 9}.get(name, 7), top, bottom, height=5.0, width=7.5, spread=2.2
        )
    back: list[Knot] = [
        (0, cut.waist_y - 3),
        (cut.waist * 0.7, cut.waist_y - 4),
        (cut.waist, cut.waist_y + 1, 1),
        (0, cut.waist_y + 18),
    ]
    items: list[Element] = [Part(curve(mirrored(back)), look.plain, tone=0.66, puff=0.2, cast=0, wrinkle=0.2)]
    if name == "tiered":
        items += _tiers(rng, cut, look)
    else:
        items.append(Part(outline, look.cloth, folds=folds, edge=20, puff=0.45, wrinkle=0.9))
        items.append(_hem(cut))
    if name == "wrap":
        items += _wrap(rng, cut, look)
    items += waistband(cut.waist, cut.waist_y, look)
    if name in ("mini", "A-line") and (look.pattern == "denim" or look.variant % 2 == 0):
        colour = (0.80, 0.58, 0.28) if look.pattern == "denim" else look.thread
        knob = BRASS if look.pattern == "denim" else darker(look.cloth.base, 0.35)
        items.append(seam((0, cut.waist_y + 24), (0, cut.length + 5), strength=0.3))
        items.append(stitch((9, cut.waist_y + 26), (10, cut.length + 2), colour=colour))
        steps = max(3, int((cut.length - cut.waist_y) / 46))
        for i in range(steps):
            items += button(0, cut.waist_y + 13 + i * (cut.length - cut.waist_y - 40) / (steps - 1), knob, 4.6)
        for sign in (-1, 1):
            mouth: list[Knot] = [
                (sign * cut.waist * 0.52, cut.waist_y + 26),
                (sign * cut.waist * 0.70, cut.waist_y + 58),
                (sign * cut.hip * 0.92, cut.waist_y + 70),
            ]
            items.append(seam(*mouth, strength=0.4, width=1.8))
            items.append(stitch(*[(k[0] - sign * 4, k[1] + 4) for k in mouth], colour=colour))
    return Sketch(tuple(items), name)


def _hem(cut: SkirtCut) -> Element:
    knots: list[Knot] = []
    count = max(8, cut.waves * 6)
    for i in range(count + 1):
        t = i / count
        knots.append(
            (cut.hem * (1 - 2 * t), cut.length - 18 + 14 * (1 - (2 * t - 1) ** 2) + cut.wave * _ripple(cut.waves, t))
        )
    return seam(*knots, strength=0.16, width=1.2)


def _tiers(rng: Rng, cut: SkirtCut, look: Look) -> list[Element]:
    """Return three gathered tiers, the lowest drawn first."""
    items: list[Element] = []
    levels = [0.0, 0.30, 0.62, 1.0]
    span = cut.length - cut.waist_y
    for i in (2, 1, 0):
        y0, y1 = cut.waist_y + span * levels[i], cut.waist_y + span * levels[i + 1]
        w0 = cut.waist + (cut.hem - cut.waist) * levels[i]
        w1 = cut.waist + (cut.hem - cut.waist) * levels[i + 1] * 0.98 + 4
        shape = skirt_outline(w0, y0 - 6, (w0 + w1) / 2 + 4, w1, y1 + 6, 4, 6 + 2 * i)
        folds = gathers(
            rng, 11 + 3 * i, (-w0, w0, y0), (-w1, w1, y1 + 8), height=3.6, width=5, spread=1.9, fade=(0.05, 0.03)
        )
        items.append(Part(shape, look.cloth, folds=folds, edge=14, puff=0.45, wrinkle=0.8, cast=0.4))
    return items


def _wrap(rng: Rng, cut: SkirtCut, look: Look) -> list[Element]:
    """Return the overlapping front panel and its tie."""
    top, bottom = cut.waist_y, cut.length
    panel: list[Knot] = [
        (-cut.waist, top, 1),
        (cut.waist * 0.55, top + 6, 1),
        (cut.waist * 0.72, top + 120),
        (cut.hem * 0.34, bottom - 70),
        (cut.hem * 0.08, bottom + 8, 1),
        (-cut.hem * 0.5, bottom + 2),
        (-cut.hem, bottom - 8, 1),
        (-cut.hip, top + 0.3 * (bottom - top)),
    ]
    folds = gathers(
        rng,
        6,
        (cut.waist * 0.5, -cut.waist * 0.4, top + 14),
        (cut.hem * 0.1, -cut.hem, bottom),
        height=4.4,
        width=7,
        spread=2.0,
    )
    tie: list[Knot] = [
        (cut.waist * 0.6, top + 12),
        (cut.waist * 0.9, top + 60),
        (cut.waist * 0.8 + pick(rng, -6, 10), top + 120),
        (cut.waist * 0.8 + 16, top + 118, 1),
        (cut.waist * 1.08, top + 56),
        (cut.waist * 0.72, top + 8),
    ]
    return [
        Part(curve(panel), look.cloth, folds=folds, edge=14, puff=0.4, cast=0.45, grain=0.12),
        Part(curve(tie), look.cloth, puff=0.5, edge=6, cast=0.4, grain=0.3),
    ]
