"""Shoes, seen from the side and set down in pairs."""

from __future__ import annotations

from Data.sample.garments.base import Look, Rng, pick, shifted
from Data.sample.garments.dress_shoes import loafer, pump
from Data.sample.garments.trainers import boot, slip_on, trainer
from Data.sample.painter import Sketch

STYLES = ("trainer", "ankle boot", "loafer", "high-top", "pump", "trainer", "laced boot", "ballerina", "slip-on")


def shoes(rng: Rng, look: Look) -> Sketch:
    """Draw a pair of shoes."""
    name = STYLES[look.variant % len(STYLES)]
    if name in ("trainer", "high-top"):
        one = trainer(rng, look, high=name == "high-top")
    elif name in ("ankle boot", "laced boot"):
        one = boot(rng, look, laced=name == "laced boot")
    elif name == "loafer":
        one = loafer(rng, look)
    elif name == "slip-on":
        one = slip_on(rng, look)
    else:
        one = pump(rng, look, flat=name == "ballerina")
    low = name in ("loafer", "pump", "ballerina", "slip-on")
    dx, dy = pick(rng, 26, 34), pick(rng, -34, -28) if low else pick(rng, -56, -48)
    pair = shifted(one, dx, dy - 8, tone=0.93, scale=0.95) + shifted(one, -14, 22, scale=1.0)
    return Sketch(tuple(pair), name, "floor")
