"""T-shirts."""

from __future__ import annotations

from Data.sample.garments.base import Look, Rng, patch, pick
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
from Data.sample.geometry import Knot, curve, side
from Data.sample.painter import Decal, Element, Part, Sketch
from Data.sample.palette import darker
from Data.sample.prints import motif

TEE_CUTS: tuple[tuple[str, TopCut], ...] = (
    ("crew-neck", TopCut()),
    ("V-neck", TopCut(neckline="v", dip=66, neck=42)),
    ("boxy", TopCut(shoulder=126, armpit=114, waist=114, hem=114, length=470, cuff=96, angle=40, shoulder_y=112)),
    ("scoop-neck", TopCut(neck=54, dip=58, shoulder=104, armpit=94, waist=86, hem=96, cuff=72, sleeve_length=80)),
    (
        "oversized",
        TopCut(shoulder=132, armpit=118, waist=116, hem=112, length=515, cuff=98, sleeve_length=116, angle=33),
    ),
    ("ringer", TopCut(dip=30, cuff=78)),
)


def tshirt(rng: Rng, look: Look) -> Sketch:
    """Draw a T-shirt."""
    name, cut = TEE_CUTS[look.variant % len(TEE_CUTS)]
    cut = sewn_neck(cut, rng)
    cloth = look.cloth
    band = look.trim("rib") if name == "ringer" else cloth.plain(darker(cloth.base, 0.08))
    decal = None
    if look.pattern == "print":
        art = motif(look.variant, (look.accent, look.second, darker(look.accent, 0.35)))
        decal = Decal(art, 0, cut.armpit_y + 44, pick(rng, 176, 206))
    items: list[Element] = [*inside(cut, look.plain)]
    items += sleeves(rng, cut, cloth)
    if name == "ringer":
        items += [
            Part(curve(side(cut.wrist_band(9), s)), band, puff=0.4, edge=6, wrinkle=0.2, cast=0.1) for s in (-1, 1)
        ]
    else:
        items += cuff_hems(cut)
    items += body(rng, cut, cloth, decal=decal)
    items.append(hem_line(cut))
    items += neck_band(cut, band, 9 if name != "scoop-neck" else 7)
    if look.pattern == "plain" and look.variant % 3 == 0:
        y = cut.armpit_y - 8
        pocket: list[Knot] = [(28, y, 1), (72, y, 1), (72, y + 44, 1), (50, y + 56, 1), (28, y + 44, 1)]
        items += patch(curve(pocket), cloth, look.thread)
    return Sketch(tuple(items), name)
