"""Shorts."""

from __future__ import annotations

from Data.sample.garments.base import Look, Rng
from Data.sample.garments.bottoms import LegCut, draw_bottoms
from Data.sample.painter import Sketch

SHORTS: tuple[tuple[str, LegCut], ...] = (
    (
        "chino",
        LegCut(
            waist=98,
            waist_y=138,
            hip=122,
            hip_y=236,
            crotch_y=318,
            knee_out=130,
            knee_in=14,
            hem_out=140,
            hem_in=18,
            length=440,
            band=30,
        ),
    ),
    (
        "drawstring",
        LegCut(
            waist=104,
            waist_y=130,
            hip=128,
            hip_y=236,
            crotch_y=328,
            knee_out=138,
            knee_in=10,
            hem_out=150,
            hem_in=14,
            length=440,
            band=34,
        ),
    ),
    (
        "bermuda",
        LegCut(
            waist=98,
            waist_y=122,
            hip=122,
            hip_y=220,
            crotch_y=308,
            knee_out=134,
            knee_in=14,
            hem_out=138,
            hem_in=18,
            length=456,
            band=28,
        ),
    ),
    (
        "running",
        LegCut(
            waist=104,
            waist_y=160,
            hip=132,
            hip_y=256,
            crotch_y=338,
            knee_out=146,
            knee_in=8,
            hem_out=166,
            hem_in=10,
            length=424,
            band=34,
        ),
    ),
    (
        "cargo",
        LegCut(
            waist=98,
            waist_y=122,
            hip=124,
            hip_y=218,
            crotch_y=306,
            knee_out=140,
            knee_in=14,
            hem_out=148,
            hem_in=18,
            length=458,
            band=28,
        ),
    ),
)


def shorts(rng: Rng, look: Look) -> Sketch:
    """Draw shorts."""
    name, cut = SHORTS[look.variant % len(SHORTS)]
    return draw_bottoms(rng, look, name, cut)
