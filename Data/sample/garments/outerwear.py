"""Outerwear: blazers, quilted jackets, bombers, trench coats, denim jackets, parkas."""

from __future__ import annotations

from dataclasses import replace

from Data.sample.garments.base import Look, Rng
from Data.sample.garments.jackets import bomber, parka, puffer, trucker
from Data.sample.garments.tailored import blazer, coat, trench
from Data.sample.garments.tops import TopCut, sewn_neck
from Data.sample.painter import Sketch

_BASE = TopCut(
    neck=46,
    dip=60,
    neck_y=76,
    shoulder=120,
    armpit=106,
    waist=103,
    hem=112,
    length=480,
    sleeve="long",
    sleeve_length=292,
    cuff=56,
    angle=20,
    bend=12,
)


CUTS: tuple[tuple[str, TopCut], ...] = (
    ("blazer", replace(_BASE, neck=44, dip=178, neckline="v", waist=98, hem=113)),
    (
        "puffer",
        replace(_BASE, shoulder=128, armpit=114, waist=118, hem=112, cuff=66, length=462, dip=24, neck=48, neck_y=88),
    ),
    (
        "bomber",
        replace(
            _BASE,
            shoulder=126,
            armpit=112,
            waist=114,
            hem=108,
            cuff=58,
            length=424,
            dip=26,
            neck=48,
            neck_y=92,
            shoulder_y=120,
            armpit_y=228,
        ),
    ),
    (
        "coat",
        replace(
            _BASE,
            neck=42,
            dip=130,
            neckline="v",
            neck_y=50,
            shoulder=112,
            shoulder_y=72,
            armpit=98,
            armpit_y=176,
            waist=96,
            hem=126,
            length=552,
            sleeve_length=284,
            cuff=54,
        ),
    ),
    (
        "denim jacket",
        replace(
            _BASE,
            shoulder=118,
            armpit=105,
            waist=104,
            hem=100,
            length=438,
            dip=40,
            neck_y=92,
            shoulder_y=120,
            armpit_y=226,
            cuff=52,
        ),
    ),
    (
        "trench",
        replace(
            _BASE,
            neck=44,
            dip=100,
            neckline="v",
            neck_y=50,
            shoulder=114,
            shoulder_y=74,
            armpit=100,
            armpit_y=178,
            waist=92,
            hem=136,
            length=550,
            sleeve_length=280,
            cuff=58,
        ),
    ),
    (
        "parka",
        replace(
            _BASE,
            shoulder=124,
            armpit=112,
            waist=113,
            hem=120,
            cuff=62,
            length=520,
            dip=26,
            neck=50,
            neck_y=92,
            shoulder_y=118,
            armpit_y=226,
        ),
    ),
)


DRAW = {
    "blazer": blazer,
    "puffer": puffer,
    "bomber": bomber,
    "coat": coat,
    "denim jacket": trucker,
    "trench": trench,
    "parka": parka,
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
