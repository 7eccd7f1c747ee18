"""Cloth: patterns (what is printed or woven in colour) and weaves (what the threads do to the light)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from Data.sample.palette import RGB, darker, lighter, mix
from Data.sample.raster import Field

Albedo = npt.NDArray[np.float32]
TILE = 256
TILE_DENSITY = 2.0
"""Texels of a drawn tile per picture pixel: nearest-neighbour reading then stays smooth."""


@dataclass(frozen=True)
class Cloth:
    """A cloth: a pattern in up to four colours, a weave, and the size of the pattern relative to its usual one."""

    pattern: str
    colours: tuple[RGB, ...]
    weave: str = "jersey"
    scale: float = 1.0
    seed: int = 0
    gloss: float = 0.0

    @property
    def base(self) -> RGB:
        """The ground colour."""
        return self.colours[0]

    def plain(self, colour: RGB | None = None, weave: str | None = None) -> Cloth:
        """Return the same cloth without a pattern."""
        return replace(self, pattern="plain", colours=(colour or self.base,), weave=weave or self.weave)

    def paint(self, u: Field, v: Field) -> Albedo:
        """Return the sRGB colour in 0..1 at cloth coordinates in pixels. Shape: (3, h, w)."""
        return PATTERNS[self.pattern](self, u / self.scale, v / self.scale)


def channels(colour: RGB) -> Albedo:
    """Return a colour that broadcasts over a picture. Shape: (3, 1, 1)."""
    return np.asarray(colour, dtype=np.float32)[:, None, None]


def _flat(cloth: Cloth, u: Field) -> Albedo:
    return np.broadcast_to(channels(cloth.base), (3, *u.shape))


def _band(phase: Field, start: float, stop: float, soft: float) -> Field:
    """Return 1 where the fractional part of `phase` lies in start..stop, with edges `soft` wide."""
    f = phase - np.floor(phase)
    middle, half = (start + stop) / 2, (stop - start) / 2
    away = np.abs(f - middle)
    away = np.minimum(away, 1 - away)
    return np.clip((half - away) / soft + 0.5, 0, 1)


def _over(ground: Albedo, colour: RGB, amount: Field) -> Albedo:
    out = channels(colour) - ground
    out *= amount
    out += ground
    return out


def _plain(cloth: Cloth, u: Field, v: Field) -> Albedo:
    return _flat(cloth, u)


STRIPES = (
    (26.0, ((0.0, 0.5, 1),)),
    (18.0, ((0.0, 0.3, 1),)),
    (46.0, ((0.0, 0.34, 1), (0.5, 0.58, 2))),
    (11.0, ((0.0, 0.5, 1),)),
    (64.0, ((0.0, 0.4, 1), (0.48, 0.52, 2), (0.56, 0.60, 2))),
)


def _stripes(cloth: Cloth, u: Field, v: Field) -> Albedo:
    period, bands = STRIPES[cloth.seed % len(STRIPES)]
    out = _flat(cloth, u)
    for start, stop, index in bands:
        out = _over(out, cloth.colours[index % len(cloth.colours)], _band(v / period, start, stop, 1.3 / period))
    return out


def _pinstripe(cloth: Cloth, u: Field, v: Field) -> Albedo:
    period = (13.0, 9.0, 17.0)[cloth.seed % 3]
    share = (0.13, 0.42, 0.2)[cloth.seed % 3]
    return _over(_flat(cloth, u), cloth.colours[1], 0.85 * _band(u / period, 0.0, share, 1.2 / period))


CHECKS = (
    (44.0, ((0.0, 0.5, 1, 0.5),)),  # gingham
    (58.0, ((0.0, 0.36, 1, 0.55), (0.5, 0.55, 2, 0.8), (0.8, 0.85, 2, 0.8))),  # tartan
    (50.0, ((0.0, 0.06, 1, 0.8), (0.5, 0.56, 2, 0.8))),  # windowpane
    (20.0, ((0.0, 0.5, 1, 0.5),)),  # small gingham
    (76.0, ((0.0, 0.44, 1, 0.6), (0.2, 0.24, 2, 0.85), (0.62, 0.74, 2, 0.35))),  # buffalo
)


def _checks(cloth: Cloth, u: Field, v: Field) -> Albedo:
    period, bands = CHECKS[cloth.seed % len(CHECKS)]
    out = _flat(cloth, u)
    for axis in (u, v):
        for start, stop, index, weight in bands:
            out = _over(
                out, cloth.colours[index % len(cloth.colours)], weight * _band(axis / period, start, stop, 1.3 / period)
            )
    return out


def _dots(cloth: Cloth, u: Field, v: Field) -> Albedo:
    period, radius = ((24.0, 5.2), (36.0, 9.5), (15.0, 2.6))[cloth.seed % 3]
    a, b = u / period, v / period
    row = np.floor(b)
    a = a + 0.5 * (row % 2)
    du, dv = (a - np.floor(a) - 0.5) * period, (b - row - 0.5) * period
    inside = np.clip(radius - np.sqrt(du * du + dv * dv) + 0.5, 0, 1)
    return _over(_flat(cloth, u), cloth.colours[1], inside)


def _read(tile: npt.NDArray[np.float32], u: Field, v: Field) -> Albedo:
    size = tile.shape[1]
    column = np.floor(u * TILE_DENSITY).astype(np.int32) % size
    row = np.floor(v * TILE_DENSITY).astype(np.int32) % size
    return tile.reshape(3, -1).take(row * size + column, axis=1)


def _petals(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, count: int, turn: float, fill: RGB) -> None:
    colour = tuple(int(255 * c) for c in fill)
    for i in range(count):
        angle = turn + 2 * math.pi * i / count
        cx, cy = x + radius * 0.62 * math.cos(angle), y + radius * 0.62 * math.sin(angle)
        t = np.linspace(0, 2 * math.pi, 20)
        px, py = radius * 0.52 * np.cos(t), radius * 0.36 * np.sin(t)
        c, s = math.cos(angle), math.sin(angle)
        pen.polygon(
            list(zip((cx + px * c - py * s).tolist(), (cy + px * s + py * c).tolist(), strict=True)), fill=colour
        )


@lru_cache(maxsize=8)
def _floral_tile(colours: tuple[RGB, ...], seed: int) -> npt.NDArray[np.float32]:
    """Draw one repeat of blossoms and leaves, wrapping at its borders."""
    rng = np.random.default_rng([seed, 77])
    up, size = 2, TILE * 2
    tile = Image.new("RGB", (size, size), tuple(int(255 * c) for c in colours[0]))
    pen = ImageDraw.Draw(tile)
    blossom, leaf = colours[1], colours[2 % len(colours)]
    heart = colours[3 % len(colours)]
    small = seed % 2 == 1
    places: list[tuple[float, float, float]] = []
    for radius, tries in ((17.0, 60), (9.0, 160)) if small else ((30.0, 50), (15.0, 140)):
        for _ in range(tries):
            x, y = rng.uniform(0, size, 2)
            radius_px = radius * up * rng.uniform(0.85, 1.15)
            gaps = [
                math.hypot((x - a + size / 2) % size - size / 2, (y - b + size / 2) % size - size / 2) - r
                for a, b, r in places
            ]
            if all(gap > radius_px * 1.12 for gap in gaps):
                places.append((x, y, radius_px))
    for x, y, r in places:
        turn, count = rng.uniform(0, 6.28), int(rng.integers(5, 7))
        tone = mix(blossom, lighter(blossom, 0.55), float(rng.uniform(0, 1)) if r < 40 else 0.15)
        for ox in (-size, 0, size):
            for oy in (-size, 0, size):
                px, py = x + ox, y + oy
                if not (-80 < px < size + 80 and -80 < py < size + 80):
                    continue
                for side in (0.4, 2.5):
                    angle = turn + side
                    lx, ly = px + r * 1.05 * math.cos(angle), py + r * 1.05 * math.sin(angle)
                    _petals(pen, lx, ly, r * 0.55, 1, angle, leaf)
                _petals(pen, px, py, r, count, turn, darker(tone, 0.22))
                _petals(pen, px, py, r * 0.9, count, turn, tone)
                dot = r * 0.24
                pen.ellipse((px - dot, py - dot, px + dot, py + dot), fill=tuple(int(255 * c) for c in heart))
    soft = tile.filter(ImageFilter.GaussianBlur(0.8)).resize((TILE, TILE), Image.Resampling.BOX)
    return np.ascontiguousarray(np.asarray(soft, dtype=np.float32).transpose(2, 0, 1)) / np.float32(255)


def _floral(cloth: Cloth, u: Field, v: Field) -> Albedo:
    return _read(_floral_tile(cloth.colours, cloth.seed), u, v)


@lru_cache(maxsize=1)
def grain() -> npt.NDArray[np.float32]:
    """A 256 x 256 tile of fine wrapping noise with zero mean and unit variance."""
    raw = np.random.default_rng(5).standard_normal((256, 256)).astype(np.float32)
    soft = raw + 0.6 * (np.roll(raw, 1, 0) + np.roll(raw, 1, 1) + np.roll(raw, -1, 0) + np.roll(raw, -1, 1))
    return (soft / soft.std()).astype(np.float32)


def speckle(u: Field, v: Field, stretch_u: float = 1.0, stretch_v: float = 1.0) -> Field:
    """Read the grain tile at cloth coordinates."""
    row = np.floor(v * np.float32(1 / stretch_v)).astype(np.int32) & 255
    row <<= 8
    row |= np.floor(u * np.float32(1 / stretch_u)).astype(np.int32) & 255
    return grain().ravel().take(row)


def _denim(cloth: Cloth, u: Field, v: Field) -> Albedo:
    """Indigo warp over a paler weft: streaks along the length, and slow fading."""
    streak = 0.5 * speckle(u, v, 1.0, 7.0) + 0.35 * speckle(u + 91, v + 17, 2.0, 40.0)
    faded = np.clip(0.12 + 0.055 * streak, 0, 0.6)
    return _over(_flat(cloth, u), lighter(cloth.base, 0.75), faded.astype(np.float32))


def _knit(cloth: Cloth, u: Field, v: Field) -> Albedo:
    """Bands of a second yarn, or a Nordic row of diamonds, over a plain ground."""
    out = _flat(cloth, u)
    if len(cloth.colours) < 2:
        return out
    if cloth.seed % 2:
        period = 108.0
        b = v / period - np.floor(v / period)
        a = u / 24.0 - np.floor(u / 24.0)
        diamond = np.abs(a - 0.5) * 24 + np.abs(b - 0.3) * period
        inside = np.clip(9.5 - diamond, 0, 1) * (1 - np.clip(5 - diamond, 0, 1))
        rows = _band(b, 0.12, 0.15, 0.012) + _band(b, 0.45, 0.48, 0.012)
        return _over(out, cloth.colours[1], np.clip(inside + rows, 0, 1) * 0.92)
    return _over(out, cloth.colours[1], _band(v / 72.0, 0.0, 0.22, 0.02) + _band(v / 72.0, 0.3, 0.36, 0.02))


def _camo(cloth: Cloth, u: Field, v: Field) -> Albedo:
    """Soft-edged patches from summed waves."""
    out = _flat(cloth, u)
    for i, colour in enumerate(cloth.colours[1:4]):
        p = 1.7 * i + cloth.seed
        wave = (
            np.sin(u / 17 + p + 1.3 * np.sin(v / 23 + p))
            + np.sin(v / 14 + 2 * p + 1.2 * np.sin(u / 19))
            + 0.6 * np.sin((u + v) / 9 + p)
        )
        out = _over(out, colour, np.clip((wave - 0.75) * 4, 0, 1))
    return out


PATTERNS: dict[str, Callable[[Cloth, Field, Field], Albedo]] = {
    "plain": _plain,
    "stripes": _stripes,
    "pinstripe": _pinstripe,
    "checks": _checks,
    "dots": _dots,
    "floral": _floral,
    "denim": _denim,
    "knit": _knit,
    "camo": _camo,
}


def weave_light(weave: str, u: Field, v: Field) -> Field:
    """Return the light factor (mean about 1) that the threads of a weave give at cloth coordinates in pixels.

    Raises:
        KeyError: an unknown weave.
    """
    return _WEAVES[weave](u, v)


def _jersey(u: Field, v: Field) -> Field:
    return 1 + 0.010 * speckle(u, v) + 0.008 * speckle(u + 40, v, 1.0, 5.0)


def _twill(u: Field, v: Field) -> Field:
    return 1 + 0.018 * np.sin((u + v * 0.9) * 2.1) + 0.012 * speckle(u, v)


def _denim_weave(u: Field, v: Field) -> Field:
    return 1 + 0.026 * np.sin((u + v * 0.8) * 1.9) + 0.014 * speckle(u, v)


def _knit_weave(u: Field, v: Field) -> Field:
    """Columns of V-shaped stitches, 7 px wide and 6 px tall."""
    column = np.abs(u / 7.0 - np.floor(u / 7.0) - 0.5) * 2
    stitch = np.cos((v / 6.0 + 0.55 * column) * (2 * math.pi))
    return 1 + 0.055 * stitch * (0.35 + column * (1.25 - column)) - 0.10 * np.clip(column - 0.8, 0, 1) * 2


def _cable_weave(u: Field, v: Field) -> Field:
    """Wide ribs with twisted cables between them."""
    f = u / 46.0 - np.floor(u / 46.0)
    rib = np.cos(u / 46.0 * (2 * math.pi))
    cable = np.cos((v / 15.0) + 5.0 * np.abs(f - 0.5) * np.sign(np.sin(v / 30.0 * math.pi / 2 + 1e-3)))
    inside = np.clip(1 - np.abs(f - 0.5) * 4.2, 0, 1)
    return 1 + 0.05 * rib * (1 - inside) + 0.10 * cable * inside + (_knit_weave(u, v) - 1) * (1 - inside)


def _rib(u: Field, v: Field) -> Field:
    return 1 + 0.10 * np.cos(u * (2 * math.pi / 4.6)) + 0.008 * speckle(u, v)


def _cord(u: Field, v: Field) -> Field:
    return 1 + 0.09 * np.cos(u * (2 * math.pi / 6.2)) + 0.025 * speckle(u, v)


def _leather(u: Field, v: Field) -> Field:
    return 1 + 0.008 * speckle(u, v, 2.0, 2.0) + 0.006 * speckle(u + 9, v + 31)


def _satin(u: Field, v: Field) -> Field:
    return 1 + 0.006 * speckle(u, v, 1.0, 3.0)


def _canvas(u: Field, v: Field) -> Field:
    return 1 + 0.022 * np.sin(u * 2.4) * np.sin(v * 2.4) + 0.022 * speckle(u, v)


def _wool(u: Field, v: Field) -> Field:
    return 1 + 0.030 * speckle(u, v) + 0.022 * speckle(u + 60, v + 20, 2.0, 2.0)


def _straw(u: Field, v: Field) -> Field:
    return 1 + 0.075 * np.cos(v * (2 * math.pi / 5.5)) + 0.05 * np.cos(u * (2 * math.pi / 5.0)) + 0.03 * speckle(u, v)


_WEAVES: dict[str, Callable[[Field, Field], Field]] = {
    "jersey": _jersey,
    "twill": _twill,
    "denim": _denim_weave,
    "knit": _knit_weave,
    "cable": _cable_weave,
    "rib": _rib,
    "cord": _cord,
    "leather": _leather,
    "satin": _satin,
    "canvas": _canvas,
    "wool": _wool,
    "straw": _straw,
}
