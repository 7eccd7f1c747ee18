"""Bags: totes, handbags, crossbody bags, backpacks, buckets, shoulder bags."""

from __future__ import annotations

from dataclasses import replace

from Data.sample.garments.base import BRASS, METAL, Look, Rng, hard, label, patch, pick, seam, stitch
from Data.sample.geometry import Knot, Points, box, curve, ellipse, mirrored, ribbon, side
from Data.sample.painter import Decal, Element, Part, Seam, Sketch
from Data.sample.palette import darker, lighter
from Data.sample.prints import motif
from Data.sample.shading import Fold


def _metal(look: Look) -> tuple[float, float, float]:
    return BRASS if look.variant % 2 else METAL


def _handle(knots: list[Knot], width: float, look: Look, *, tone: float = 1.0) -> Part:
    cloth = look.trim("leather") if look.pattern in ("canvas", "checks", "stripes", "floral", "print") else look.plain
    return Part(
        ribbon(curve(knots, closed=False), width), cloth, puff=0.7, edge=width * 0.5, wrinkle=0.2, cast=0.4, tone=tone
    )


def _outlined(outline: Points, thread: tuple[float, float, float], inset: float = 5.0) -> Seam:
    middle = outline.mean(axis=0)
    reach = abs(outline - middle).max(axis=0)
    inner = middle + (outline - middle) * (1 - inset / reach)
    return Seam(inner, "stitch", thread, 1.3, 0.30)


def _tote(rng: Rng, look: Look) -> list[Element]:
    c = look.cloth
    w, top, bottom = pick(rng, 138, 156), 262.0, 506.0
    half: list[Knot] = [(0, top + 4), (w, top, 1), (w - 3, (top + bottom) / 2), (w - 10, bottom - 6, 1), (0, bottom)]
    reach = pick(rng, 120, 146)
    behind: list[Knot] = [
        (-62, top + 6),
        (-54, top - reach * 0.75),
        (0, top - reach),
        (54, top - reach * 0.75),
        (62, top + 6),
    ]
    front: list[Knot] = [
        (-66, top + 56),
        (-62, top),
        (-50, top - reach * 0.66),
        (0, top - reach * 0.9),
        (50, top - reach * 0.66),
        (62, top),
        (66, top + 56),
    ]
    folds = (
        Fold(-66, top + 40, -40, bottom - 60, 16, 5, 10, 1.6, (0.1, 0.5)),
        Fold(66, top + 40, 34, bottom - 50, 16, 5, -10, 1.6, (0.1, 0.5)),
        Fold(-w + 6, bottom - 10, -60, bottom - 90, 13, 5, 6, 1.5, (0.1, 0.5)),
        Fold(w - 6, bottom - 10, 66, bottom - 84, 13, 5, -6, 1.5, (0.1, 0.5)),
    )
    inner: list[Knot] = [(0, top - 8), (w * 0.8, top - 6), (w - 1, top + 1, 1), (0, top + 14)]
    decal = (
        Decal(motif(look.variant, (look.accent, look.second, darker(look.accent, 0.3))), 0, 392, 210)
        if look.pattern == "print"
        else None
    )
    outline = curve(mirrored(half))
    items: list[Element] = [
        _handle(behind, 15, look, tone=0.82),
        Part(curve(mirrored(inner)), look.plain, tone=0.68, puff=0.2, cast=0, wrinkle=0.3),
        Part(outline, c, folds=folds, puff=0.45, edge=20, wrinkle=1.4, decal=decal),
        seam((-w, top + 19), (0, top + 23), (w, top + 19), strength=0.22),
        stitch((-w + 2, top + 15), (0, top + 19), (w - 2, top + 15), colour=look.thread),
        _handle(front, 15, look),
    ]
    for x in (-66, 66):
        items += patch(box(x - 9, top + 34, x + 9, top + 60, round_by=1), _handle(front, 15, look).cloth, look.thread)
    return items


def _handbag(rng: Rng, look: Look) -> list[Element]:
    c = replace(look.cloth, gloss=0.07)
    look = replace(look, cloth=c)
    top, bottom = 270.0, 474.0
    half: list[Knot] = [
        (0, top),
        (104, top + 2),
        (122, top + 12),
        (156, bottom - 30),
        (152, bottom - 4),
        (130, bottom, 1),
        (0, bottom),
    ]
    reach = pick(rng, 116, 138)
    arch: list[Knot] = [
        (-72, top + 30),
        (-70, top - 20),
        (-46, top - reach * 0.82),
        (0, top - reach),
        (46, top - reach * 0.82),
        (70, top - 20),
        (72, top + 30),
    ]
    flap: list[Knot] = [
        (0, top - 4),
        (104, top - 2),
        (122, top + 10, 1),
        (134, top + 84),
        (96, top + 112),
        (0, top + 122),
    ]
    back = [(k[0] * 0.96, k[1] - 12, *k[2:]) for k in arch]
    outline, lid = curve(mirrored(half)), curve(mirrored(flap))
    metal = _metal(look)
    items: list[Element] = [
        _handle(back, 11, look, tone=0.7),
        Part(
            outline,
            c,
            puff=0.6,
            edge=30,
            wrinkle=0.9,
            folds=(Fold(-150, bottom - 30, -90, bottom - 90, 14, 4, 6, 1.5, (0.1, 0.5)),),
        ),
        _outlined(outline, look.thread),
    ]
    if look.variant % 2:
        items += [Part(lid, c, puff=0.5, edge=18, wrinkle=0.7, cast=0.5), _outlined(lid, look.thread)]
        items += [
            Part(box(-17, top + 96, 17, top + 134, round_by=5), hard(metal), puff=0.5, edge=5, wrinkle=0, cast=0.45),
            Part(
                box(-9, top + 105, 9, top + 124, round_by=3),
                hard(darker(metal, 0.3)),
                puff=0.3,
                edge=3,
                wrinkle=0,
                cast=0,
            ),
        ]
    else:
        items.append(seam((-130, top + 44), (0, top + 50), (130, top + 44), strength=0.35))
        items.append(stitch((-130, top + 50), (0, top + 56), (130, top + 50), colour=look.thread))
        items += label(0, top + 92, 50, 20, metal)
    items.append(_handle(arch, 12, look))
    for x in (-72, 72):
        items.append(
            Part(
                ellipse(x, top + 30, 10, 10, n=28),
                hard(metal),
                puff=0.6,
                edge=4,
                wrinkle=0,
                holes=(ellipse(x, top + 30, 5, 5),),
            )
        )
        items += patch(box(x - 9, top + 36, x + 9, top + 66, round_by=6), look.plain, look.thread)
    for x in (-126, 126):
        items.append(Part(ellipse(x, bottom + 2, 7, 4, n=20), hard(metal), puff=0.4, edge=3, wrinkle=0, cast=0.1))
    return items


def _crossbody(rng: Rng, look: Look) -> list[Element]:
    c = replace(look.cloth, gloss=0.06)
    look = replace(look, cloth=c)
    w, top, bottom = pick(rng, 122, 138), 322.0, 476.0
    strap: list[Knot] = [
        (-w + 4, top + 26),
        (-w + 2, top - 70),
        (-w * 0.55, top - 196),
        (0, top - 238),
        (w * 0.55, top - 196),
        (w - 2, top - 70),
        (w - 4, top + 26),
    ]
    shape: list[Knot] = [
        (0, top),
        (w - 12, top),
        (w, top + 14),
        (w + 2, bottom - 24),
        (w - 18, bottom, 1),
        (0, bottom + 2),
    ]
    rounded = look.variant % 2 == 0
    flap: list[Knot] = (
        [(0, top - 4), (w - 10, top - 4), (w + 2, top + 10, 1), (w, top + 66), (w * 0.6, top + 104), (0, top + 116)]
        if rounded
        else [(0, top - 4), (w - 10, top - 4), (w + 2, top + 10, 1), (w, top + 74, 1), (0, top + 112, 1)]
    )
    outline, lid = curve(mirrored(shape)), curve(mirrored(flap))
    metal = _metal(look)
    items: list[Element] = [
        _handle(strap, 9, look),
        Part(outline, c, puff=0.6, edge=24, wrinkle=0.8),
        _outlined(outline, look.thread),
        Part(lid, c, puff=0.5, edge=16, wrinkle=0.7, cast=0.5),
        _outlined(lid, look.thread),
        *(_quilting(outline, top, bottom) if look.pattern == "quilted" else ()),
        Part(ellipse(0, top + 96, 13, 13), hard(metal), puff=0.6, edge=6, wrinkle=0, cast=0.45),
        Part(ellipse(0, top + 96, 5, 5, n=20), hard(darker(metal, 0.25)), puff=0.4, edge=3, wrinkle=0, cast=0.1),
    ]
    items.extend(
        Part(
            ellipse(sign * (w - 4), top + 18, 9, 9, n=28),
            hard(metal),
            puff=0.6,
            edge=4,
            wrinkle=0,
            holes=(ellipse(sign * (w - 4), top + 18, 4.5, 4.5),),
        )
        for sign in (-1, 1)
    )
    return items


def _quilting(outline: Points, top: float, bottom: float) -> list[Element]:
    lines: list[Element] = []
    for i in range(-9, 10):
        x = i * 30.0
        for sign in (-1, 1):
            path = curve(
                [(x - sign * 100, top - 10), (x, (top + bottom) / 2), (x + sign * 100, bottom + 10)], closed=False
            )
            lines.append(Seam(path, "seam", None, 2.0, 0.34, within=outline))
    return lines


def _backpack(rng: Rng, look: Look) -> list[Element]:
    c = look.cloth
    w, top, bottom = pick(rng, 124, 138), 152.0, 504.0
    shape: list[Knot] = [
        (0, top),
        (w * 0.62, top + 8),
        (w * 0.94, top + 64),
        (w, top + 180),
        (w + 3, bottom - 40),
        (w - 16, bottom, 1),
        (0, bottom + 3),
    ]
    loop: list[Knot] = [(-26, top + 8), (-22, top - 30), (0, top - 40), (22, top - 30), (26, top + 8)]
    pocket: list[Knot] = [
        (0, 360),
        (w * 0.66, 360),
        (w * 0.78, 376),
        (w * 0.80, bottom - 34),
        (w * 0.7, bottom - 20, 1),
        (0, bottom - 18),
    ]
    outline = curve(mirrored(shape))
    trim = look.trim("leather") if look.variant % 2 else look.plain
    items: list[Element] = [_handle(loop, 13, look)]
    for sign in (-1, 1):
        arm: list[Knot] = [(w * 0.5, top + 24), (w + 20, top + 90), (w + 26, top + 220), (w - 4, bottom - 30)]
        items.append(
            Part(ribbon(curve(side(arm, sign), closed=False), 22, 12), c.plain(darker(c.base, 0.18)), puff=0.6, edge=9)
        )
        bulge: list[Knot] = [(w - 12, 392), (w + 16, 400), (w + 18, bottom - 26), (w - 10, bottom - 8)]
        items.append(Part(curve(side(bulge, sign)), look.plain, puff=0.6, edge=12, tone=0.92))
    items.append(
        Part(
            outline,
            c,
            puff=0.6,
            edge=40,
            wrinkle=1.3,
            folds=(
                Fold(-w, 300, -30, 330, 12, 4, 6, 1.5, (0.1, 0.5)),
                Fold(w, 310, 40, 336, 12, 4, -6, 1.5, (0.1, 0.5)),
            ),
        )
    )
    zip_path: list[Knot] = [
        (-w + 8, 330),
        (-w * 0.84, top + 70),
        (-w * 0.5, top + 32),
        (0, top + 26),
        (w * 0.5, top + 32),
        (w * 0.84, top + 70),
        (w - 8, 330),
    ]
    items.append(Seam(curve(zip_path, closed=False), "line", darker(c.base, 0.45), 7, 0.42))
    items.append(Seam(curve(zip_path, closed=False), "stitch", METAL, 2.6, 0.42))
    face = curve(mirrored(pocket))
    items += [Part(face, c, puff=0.55, edge=18, wrinkle=0.8, cast=0.45), _outlined(face, look.thread)]
    items.append(
        Seam(curve([(-w * 0.62, 382), (0, 380), (w * 0.62, 382)], closed=False), "line", darker(c.base, 0.45), 6, 0.42)
    )
    items.append(Seam(curve([(-w * 0.62, 382), (0, 380), (w * 0.62, 382)], closed=False), "stitch", METAL, 2.4, 0.42))
    items.append(Part(box(w * 0.58, 380, w * 0.58 + 6, 404, round_by=2), hard(METAL), puff=0.5, edge=3, wrinkle=0))
    base: list[Knot] = [(0, bottom - 30), (w + 2, bottom - 34, 1), (w - 16, bottom + 1, 1), (0, bottom + 4)]
    items.append(Part(curve(mirrored(base)), trim, puff=0.4, edge=9, wrinkle=0.4, cast=0.25))
    items += patch(box(-24, 270, 24, 306, round_by=3), trim, look.thread)
    return items


def _bucket(rng: Rng, look: Look) -> list[Element]:
    c = look.cloth
    top, bottom = 272.0, 496.0
    strap: list[Knot] = [
        (-96, top + 20),
        (-92, top - 70),
        (-40, top - 160),
        (20, top - 166),
        (84, top - 84),
        (98, top + 20),
    ]
    shape: list[Knot] = [
        (0, top + 8),
        (60, top + 2),
        (104, top + 4, 1),
        (112, top + 60),
        (132, bottom - 40),
        (124, bottom - 4, 1),
        (0, bottom),
    ]
    rim: list[Knot] = [
        (0, top - 12),
        (64, top - 10),
        (105, top + 4),
        (60, top + 16),
        (0, top + 18),
        (-60, top + 16),
        (-105, top + 4),
        (-64, top - 10),
    ]
    folds = tuple(
        Fold(x, top + 30, x * 1.18, bottom - pick(rng, 50, 110), 8, 6, pick(rng, -5, 5), 2.0, (0.1, 0.6))
        for x in (-84, -52, -18, 20, 54, 86)
    )
    base: list[Knot] = [(0, bottom - 34), (131, bottom - 42, 1), (124, bottom - 2, 1), (0, bottom + 2)]
    outline = curve(mirrored(shape))
    items: list[Element] = [
        _handle(strap, 11, look),
        Part(curve(rim), look.plain, tone=0.6, puff=0.2, cast=0, wrinkle=0.3),
        Part(outline, c, folds=folds, puff=0.6, edge=34, wrinkle=1.2),
        Part(curve(mirrored(base)), look.trim("leather"), puff=0.4, edge=12, wrinkle=0.3, cast=0.25),
        stitch((-130, bottom - 48), (0, bottom - 40), (130, bottom - 48), colour=look.thread),
    ]
    cord: list[Knot] = [(-106, top + 34), (-50, top + 44), (0, top + 46), (50, top + 44), (106, top + 34)]
    items.append(
        Part(ribbon(curve(cord, closed=False), 6), look.trim("leather"), puff=0.7, edge=4, wrinkle=0, cast=0.4)
    )
    items.extend(
        Part(
            ellipse(x, top + 40 + (4 if abs(x) < 50 else 0), 6, 6, n=20),
            hard(_metal(look)),
            puff=0.5,
            edge=3,
            wrinkle=0,
        )
        for x in (-88, -44, 44, 88)
    )
    for sign in (-1, 1):
        tail: list[Knot] = [(sign * 5, top + 46), (sign * 14, top + 84), (sign * 11, top + 124)]
        items.append(
            Part(ribbon(curve(tail, closed=False), 5.5), look.trim("leather"), puff=0.7, edge=4, wrinkle=0, cast=0.4)
        )
        items.append(
            Part(
                ellipse(sign * 11, top + 128, 6, 9, n=20), hard(lighter(look.accent, 0.1)), puff=0.6, edge=4, wrinkle=0
            )
        )
    return items


STYLES = ("tote", "handbag", "crossbody", "backpack", "bucket bag", "handbag", "tote", "crossbody")


def bag(rng: Rng, look: Look) -> Sketch:
    """Draw a bag."""
    name = STYLES[look.variant % len(STYLES)]
    draw = {"tote": _tote, "handbag": _handbag, "crossbody": _crossbody, "backpack": _backpack, "bucket bag": _bucket}[
        name
    ]
    return Sketch(tuple(draw(rng, look)), name, "floor")
