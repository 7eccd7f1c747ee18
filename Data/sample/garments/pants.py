"""Trousers."""

from __future__ import annotations

from Data.sample.garments.base import Look, Rng
from Data.sample.garments.bottoms import LegCut, draw_bottoms
from Data.sample.painter import Sketch

PANTS: tuple[tuple[str, LegCut], ...] = (
    ("straight", LegCut()),
    ("slim", LegCut(waist=66, hip=82, knee_out=70, knee_in=14, hem_out=62, hem_in=22)),
    ("wide-leg", LegCut(waist=66, hip=92, knee_out=122, knee_in=14, hem_out=146, hem_in=20, waist_y=56)),
    ("tapered", LegCut(waist=72, hip=100, knee_out=90, knee_in=20, hem_out=68, hem_in=30)),
    ("joggers", LegCut(waist=74, hip=98, knee_out=92, knee_in=18, hem_out=68, hem_in=32, length=520)),
    ("cargo", LegCut(waist=74, hip=98, knee_out=106, knee_in=16, hem_out=98, hem_in=30)),
    ("flared", LegCut(waist=64, hip=84, knee_out=76, knee_in=16, hem_out=118, hem_in=14, waist_y=56)),
)


def pants(rng: Rng, look: Look) -> Sketch:
    """Draw trousers."""
    name, cut = PANTS[look.variant % len(PANTS)]
    return draw_bottoms(rng, look, name, cut)
