"""Long-sleeved tops and fine jumpers."""

from __future__ import annotations

from dataclasses import replace

from Data.sample.garments.base import Look, Rng, button, seam
from Data.sample.garments.tops import (
    TopCut,
    body,
    cuff_hems,
    hem_line,
    inside,
    neck_band,
    sewn_neck,
    sleeves,
)
from Data.sample.geometry import Knot, box, curve, mirrored, side
from Data.sample.painter import Element, Part, Sketch
from Data.sample.palette import darker, lighter
from Data.sample.shading import Fold

CUTS: tuple[tuple[str, TopCut], ...] = (
    ("crew-neck", TopCut(sleeve="long", sleeve_length=306, cuff=44, angle=22, bend=13)),
    ("turtleneck", TopCut(sleeve="long", sleeve_length=304, cuff=42, angle=21, bend=13, neck=40, dip=16, neck_y=92)),
    ("V-neck", TopCut(sleeve="long", sleeve_length=300, cuff=44, angle=22, bend=14, neckline="v", dip=78, neck=42)),
    (
        "boat-neck",
        TopCut(sleeve="long", sleeve_length=300, cuff=44, angle=21, neckline="boat", neck=68, dip=18, neck_y=92),
    ),
    ("raglan", TopCut(sleeve="long", sleeve_length=300, cuff=44, angle=23, bend=14)),
    ("henley", TopCut(sleeve="long", sleeve_length=304, cuff=43, angle=22, bend=13, dip=30)),
)


def _turtleneck(cut: TopCut, look: Look) -> Part:
    n, y = cut.neck, cut.neck_y
    half: list[Knot] = [
        (0, y - 38),
        (n * 0.7, y - 39),
        (n - 1, y - 35, 1),
        (n + 2, y - 10),
        (n + 7, y + 8, 1),
        (n * 0.5, y + cut.dip + 6),
        (0, y + cut.dip + 10),
    ]
    folds = (
        Fold(-n, y - 12, n, y - 10, 5, 4, 4, 1.0, (0.1, 0.1)),
        Fold(-n * 0.8, y + 4, n, y - 2, 4, 3, 5, 1.0, (0.2, 0.2)),
    )
    return Part(curve(mirrored(half)), look.cloth.plain(weave="rib"), folds=folds, puff=0.7, edge=12, wrinkle=0.3)


def longsleeve(rng: Rng, look: Look) -> Sketch:
    """Draw a long-sleeved top."""
    name, cut = CUTS[look.variant % len(CUTS)]
    knitted = look.pattern == "knit"
    if knitted:
        cut = replace(cut, cuff=cut.cuff + 8, hem=cut.hem + 2, length=cut.length - 18)
    cut = sewn_neck(cut, rng)
    cloth, ribbed = look.cloth, look.cloth.plain(weave="rib")
    arm_cloth = look.trim() if name == "raglan" and look.pattern in ("plain", "print") else cloth
    items: list[Element] = [] if name == "turtleneck" else inside(cut, look.plain)
    if knitted or name == "turtleneck":
        items += [
            Part(
                curve(side(cut.wrist_band(24, 0), s)), ribbed, grain=-s * 0.14, puff=0.5, edge=9, wrinkle=0.3, cast=0.1
            )
            for s in (-1, 1)
        ]
        half: list[Knot] = [
            (0, cut.length - 10),
            (cut.hem, cut.length - 14, 1),
            (cut.hem - 6, cut.length + 20, 1),
            (0, cut.length + 20 + cut.hem_drop),
        ]
        items.append(Part(curve(mirrored(half)), ribbed, puff=0.4, edge=10, wrinkle=0.4, cast=0.1))
    strength = 0.8 if knitted else 1.0
    items += sleeves(rng, cut, arm_cloth, wrinkle=1.0)
    if not (knitted or name == "turtleneck"):
        items += cuff_hems(cut, 11)
    items += body(rng, cut, cloth, strength=strength, puff=0.55 if knitted else 0.5)
    if name == "raglan":
        items += _raglan(rng, cut, look)
    if not knitted and name != "turtleneck":
        items.append(hem_line(cut))
    if name == "turtleneck":
        items.append(_turtleneck(cut, look))
    else:
        band = (
            look.trim("rib") if name == "raglan" else cloth.plain(darker(cloth.base, 0.07), "rib" if knitted else None)
        )
        items += neck_band(cut, band, 12 if knitted else 8)
    if name == "henley":
        y = cut.neck_y + cut.dip
        items.append(Part(box(-9, y - 2, 9, y + 86), look.plain, puff=0.3, edge=4, wrinkle=0.2, cast=0.2))
        items.append(seam((0, y), (0, y + 80), strength=0.18))
        for i in range(3):
            items += button(0, y + 14 + 27 * i, lighter(cloth.base, 0.55))
    return Sketch(tuple(items), name)


def _raglan(rng: Rng, cut: TopCut, look: Look) -> list[Element]:
    """Return the shoulder pieces whose seam runs from the neck to the armpit."""
    cloth = look.trim() if look.pattern in ("plain", "print") else look.cloth
    items: list[Element] = []
    for sign in (-1, 1):
        n, y = cut.neck, cut.neck_y
        line: list[Knot] = [(n * 0.98, y + cut.dip * 0.30), (n + 30, y + 78), (cut.armpit, cut.armpit_y)]
        piece: list[Knot] = [
            (n * 0.98, y + cut.dip * 0.30, 1),
            (n + 30, y + 78),
            (cut.armpit, cut.armpit_y, 1),
            (cut.armpit + 6, cut.armpit_y - 40),
            (cut.shoulder + 6, cut.shoulder_y + 22),
            (cut.shoulder - 2, cut.shoulder_y - 1, 1),
            (n, y, 1),
        ]
        items.append(Part(curve(side(piece, sign)), cloth, puff=0.12, edge=8, wrinkle=0.8, cast=0.0, grain=-sign * 0.5))
        items.append(seam(*side(line, sign), strength=0.3))
    return items
