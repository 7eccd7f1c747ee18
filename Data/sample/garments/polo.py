"""Polo shirts: a soft collar and a short buttoned placket."""

from __future__ import annotations

from Data.sample.fabrics import Cloth
from Data.sample.garments.base import Look, Rng, button, label, pick, seam, stitch
from Data.sample.garments.tops import TopCut, body, cuff_hems, hem_line, inside, sewn_neck, sleeves
from Data.sample.geometry import Knot, box, curve, ellipse, side
from Data.sample.painter import Element, Part, Seam, Sketch
from Data.sample.palette import darker, lighter
from Data.sample.shading import Fold

CUTS: tuple[tuple[str, TopCut], ...] = (
    ("classic", TopCut(neck=43, dip=44, neck_y=82)),
    ("tipped", TopCut(neck=43, dip=46, neck_y=82, cuff=76)),
    ("slim", TopCut(neck=41, dip=42, neck_y=82, shoulder=106, armpit=94, waist=86, hem=91, cuff=70, sleeve_length=86)),
    (
        "relaxed",
        TopCut(
            neck=45,
            dip=48,
            neck_y=84,
            shoulder=124,
            armpit=111,
            waist=110,
            hem=108,
            cuff=92,
            sleeve_length=108,
            angle=38,
        ),
    ),
    ("long-sleeved", TopCut(neck=43, dip=44, neck_y=82, sleeve="long", sleeve_length=300, cuff=44, angle=22)),
)


def collar(
    cut: TopCut, cloth: Cloth, *, fall: float, open_by: float, tip: float, weave_grain: float = 0.35
) -> list[Element]:
    """Return a folded collar: the stand behind the neck and two leaves.

    Args:
        cut: the top that it is sewn to.
        cloth: its cloth.
        fall: how far the leaf's tips hang below the front of the neck, px.
        open_by: half the gap between the leaves at the front, px.
        tip: how far out the tips point, px.
    """
    n, y, d = cut.neck, cut.neck_y, cut.dip
    back: list[Knot] = [
        (0, y - 15),
        (n * 0.7, y - 13),
        (n + 1, y - 4, 1),
        (n * 0.7, y + 8),
        (0, y + 12),
        (-n * 0.7, y + 8),
        (-n - 1, y - 4, 1),
        (-n * 0.7, y - 13),
    ]
    items: list[Element] = [Part(curve(back), cloth, puff=0.4, edge=8, tone=0.88, wrinkle=0.2, cast=0.25)]
    front = y + d
    for sign in (-1, 1):
        leaf: list[Knot] = [
            (n * 0.72, y - 13, 1),
            (n + 3, y - 6),
            (n + 12, y + 13),
            (n + 9, y + 0.45 * (d + fall)),
            (open_by + tip + 8, front + fall, 1),
            (open_by, front - 2, 1),
            (n * 0.60, y + d * 0.50),
            (n * 0.74, y + 6),
        ]
        roll = Fold(sign * n * 0.9, y - 8, sign * (open_by + 16), front + fall * 0.5, 7, 2.4, 0, 1.2, (0.2, 0.3))
        items.append(
            Part(
                curve(side(leaf, sign)),
                cloth,
                folds=(roll,),
                puff=0.5,
                edge=9,
                wrinkle=0.4,
                cast=0.42,
                grain=sign * weave_grain,
            )
        )
    return items


def polo(rng: Rng, look: Look) -> Sketch:
    """Draw a polo shirt."""
    name, cut = CUTS[look.variant % len(CUTS)]
    cut = sewn_neck(cut, rng)
    cloth = look.cloth
    trimmed = name == "tipped" or (look.pattern in ("stripes",) and look.variant % 2 == 0)
    soft = cloth.plain(look.accent if trimmed and name != "tipped" else cloth.base, "rib")
    items: list[Element] = inside(cut, look.plain)
    items += sleeves(rng, cut, cloth)
    if cut.sleeve == "short":
        for sign in (-1, 1):
            items.append(
                Part(
                    curve(side(cut.wrist_band(11, -2), sign)),
                    soft,
                    grain=-sign * 0.7,
                    puff=0.5,
                    edge=7,
                    wrinkle=0.2,
                    cast=0.1,
                )
            )
            if name == "tipped":
                band = cut.wrist_band(11, -2)
                items.append(
                    Seam(
                        curve(side([(*_mid(band[0], band[1]), 0), (*_mid(band[3], band[2]), 0)], sign), closed=False),
                        "line",
                        look.accent,
                        3.0,
                        0.4,
                    )
                )
    else:
        items += cuff_hems(cut, 12)
    items += body(rng, cut, cloth)
    items.append(hem_line(cut))
    top = cut.neck_y + cut.dip - 14
    length = pick(rng, 92, 116)
    placket = cloth if look.pattern == "plain" else look.plain
    items.append(Part(box(-11, top, 11, top + length, round_by=1), placket, puff=0.35, edge=5, wrinkle=0.3, cast=0.28))
    items.append(seam((-7.5, top), (-7.5, top + length - 3), strength=0.14, width=1))
    items.append(stitch((-10, top + length - 9), (10, top + length - 9), colour=look.thread))
    for i in range(2 + look.variant % 2):
        items += button(1, top + 30 + 27 * i, lighter(cloth.base, 0.6) if look.variant % 2 else darker(cloth.base, 0.3))
    items += collar(cut, soft, fall=30, open_by=3, tip=24)
    if name == "tipped":
        items += _tipping(cut, look)
    if look.variant % 3 != 1:
        y = cut.armpit_y - 12
        items.append(Part(ellipse(54, y, 7, 5.4), cloth.plain(look.accent), puff=0.3, edge=3, wrinkle=0, cast=0.2))
    else:
        items += label(0, cut.neck_y + 16, 20, 9)
    return Sketch(tuple(items), name)


def _mid(a: Knot, b: Knot) -> tuple[float, float]:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def _tipping(cut: TopCut, look: Look) -> list[Element]:
    """Return the coloured line along the collar's edge."""
    n, y, front = cut.neck, cut.neck_y, cut.neck_y + cut.dip
    items: list[Element] = []
    for sign in (-1, 1):
        line: list[Knot] = [(n + 8, y + 13), (n + 5, y + 0.45 * (cut.dip + 30)), (33, front + 24, 1), (5, front - 3)]
        items.append(Seam(curve(side(line, sign), closed=False), "line", look.accent, 2.6, 0.4))
    return items
