"""Which cloth, colours and cut a product gets, from its category, number and seed alone."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from Data.sample.fabrics import Cloth
from Data.sample.garments import Look
from Data.sample.painter import Pose
from Data.sample.palette import PALETTE, RGB, darker, lighter, luma, mix

_SIZES = (3, 2, 1, 2)
"""How many siblings (one cut in several colours) successive groups have."""


@dataclass(frozen=True)
class Range:
    """What a category comes in: patterns that take turns, colours, and the weave of its plain cloth."""

    patterns: tuple[str, ...]
    colours: tuple[str, ...]
    weave: str


_BRIGHT = (
    "white",
    "black",
    "navy",
    "red",
    "sky blue",
    "mint",
    "yellow",
    "coral",
    "light grey",
    "green",
    "lavender",
    "pink",
    "teal",
    "olive",
    "orange",
    "ivory",
    "burgundy",
    "blue",
)
_CALM = (
    "white",
    "sky blue",
    "ivory",
    "navy",
    "pink",
    "light grey",
    "sage",
    "beige",
    "black",
    "lavender",
    "mint",
    "blue",
    "burgundy",
    "forest",
)
_WARM = (
    "charcoal",
    "camel",
    "navy",
    "ivory",
    "burgundy",
    "forest",
    "mustard",
    "grey",
    "black",
    "rose",
    "sage",
    "brown",
    "teal",
    "lavender",
    "red",
)
_COAT = (
    "camel",
    "black",
    "navy",
    "khaki",
    "charcoal",
    "olive",
    "beige",
    "burgundy",
    "forest",
    "grey",
    "mustard",
    "sky blue",
    "red",
)
_LEG = (
    "navy",
    "beige",
    "black",
    "olive",
    "grey",
    "khaki",
    "charcoal",
    "brown",
    "ivory",
    "sand",
    "burgundy",
    "sage",
    "indigo",
)
_DRESS = (
    "black",
    "red",
    "navy",
    "sage",
    "rose",
    "mustard",
    "lavender",
    "ivory",
    "teal",
    "burgundy",
    "sky blue",
    "coral",
    "forest",
    "pink",
    "purple",
)
_LEATHER = ("black", "tan", "brown", "camel", "burgundy", "ivory", "navy", "olive", "red", "sage", "mustard", "pink")

RANGES: dict[str, Range] = {
    "t-shirt": Range(
        ("plain", "print", "stripes", "print", "plain", "print", "dots", "stripes", "camo", "floral", "print"),
        _BRIGHT,
        "jersey",
    ),
    "polo": Range(
        ("plain", "plain", "stripes", "plain", "knit", "stripes", "checks", "plain", "dots"), _BRIGHT, "knit"
    ),
    "shirt": Range(
        ("plain", "checks", "pinstripe", "denim", "checks", "floral", "plain", "dots", "pinstripe", "checks", "plain"),
        _CALM,
        "twill",
    ),
    "longsleeve": Range(
        ("plain", "knit", "stripes", "plain", "knit", "stripes", "plain", "cable", "dots"), _WARM, "jersey"
    ),
    "hoodie": Range(
        ("plain", "print", "plain", "block", "print", "plain", "camo", "stripes", "plain"), _WARM, "jersey"
    ),
    "outerwear": Range(
        ("plain", "plain", "plain", "checks", "denim", "plain", "plain", "plain", "block", "wool"), _COAT, "twill"
    ),
    "pants": Range(
        ("denim", "plain", "plain", "checks", "plain", "plain", "denim", "pinstripe", "cord", "denim"), _LEG, "twill"
    ),
    "shorts": Range(
        ("plain", "plain", "denim", "plain", "checks", "floral", "plain", "stripes", "camo"), _LEG, "twill"
    ),
    "skirt": Range(
        ("plain", "checks", "plain", "floral", "denim", "plain", "dots", "checks", "plain", "stripes", "cord"),
        _DRESS,
        "satin",
    ),
    "dress": Range(
        ("floral", "plain", "stripes", "dots", "floral", "plain", "plain", "checks", "floral"), _DRESS, "satin"
    ),
    "shoes": Range(
        ("plain",) * 5 + ("canvas", "plain"), (*_LEATHER, "white", "light grey", "white", "sky blue"), "leather"
    ),
    "hat": Range(
        ("plain", "knit", "denim", "straw", "plain", "stripes", "wool", "cord"), (*_WARM, "white", "sky blue"), "canvas"
    ),
    "bag": Range(
        ("canvas", "plain", "plain", "canvas", "plain", "plain", "print", "quilted", "stripes", "checks"),
        _LEATHER,
        "leather",
    ),
}

_ACCENTS = (
    "white",
    "navy",
    "red",
    "mustard",
    "teal",
    "coral",
    "ivory",
    "forest",
    "orange",
    "sky blue",
    "burgundy",
    "pink",
)
_CAMO = ("olive", "khaki", "charcoal", "sand", "sage", "navy", "grey")
_DENIM = ("indigo", "sky blue", "navy", "charcoal", "indigo", "light grey", "black")
_STRAW = ("sand", "beige", "camel", "ivory")


@dataclass(frozen=True)
class Design:
    """Everything decided about a product before it is drawn."""

    category: str
    index: int
    group: int
    colour: str
    pattern: str
    look: Look
    pose: Pose
    shape_seed: tuple[int, ...]
    paint_seed: int


def _category_number(category: str) -> int:
    return zlib.crc32(category.encode())


def group_of(index: int) -> tuple[int, int]:
    """Return the group that a product belongs to and its place among its siblings."""
    cycle, rest = divmod(index, sum(_SIZES))
    for i, size in enumerate(_SIZES):
        if rest < size:
            return cycle * len(_SIZES) + i, rest
        rest -= size
    raise AssertionError("the group sizes cover every remainder")


def _apart(first: RGB, second: RGB) -> float:
    return sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) ** 0.5


def _contrasting(rng: np.random.Generator, base: RGB, least: float) -> RGB:
    names = list(rng.permutation(len(_ACCENTS)))
    for number in names:
        candidate = PALETTE[_ACCENTS[int(number)]].rgb
        if _apart(base, candidate) > least:
            return candidate
    return lighter(base, 0.8) if luma(base) < 0.5 else darker(base, 0.8)


def _cloth(pattern: str, base: RGB, accent: RGB, second: RGB, weave: str, seed: int, scale: float) -> Cloth:
    """Return the cloth of a pattern in the given colours."""
    soft = lighter(base, 0.82) if luma(base) < 0.62 else darker(base, 0.30)
    match pattern:
        case "stripes":
            quiet = PALETTE["ivory"].rgb if luma(base) < 0.66 else PALETTE["navy"].rgb
            return Cloth("stripes", (base, accent if seed % 3 == 0 else quiet, quiet), weave, scale, seed)
        case "pinstripe":
            return Cloth("pinstripe", (base, soft), weave, scale, seed)
        case "checks":
            pale = luma(base) > 0.6
            bars = darker(base, 0.42) if pale else lighter(base, 0.72) if seed % 2 else darker(base, 0.55)
            line = PALETTE["ivory"].rgb if not pale else accent
            return Cloth("checks", (base, bars, line), weave, scale, seed)
        case "dots":
            return Cloth("dots", (base, soft), weave, scale, seed)
        case "floral":
            leaf = PALETTE["sage" if luma(base) < 0.5 else "forest"].rgb
            return Cloth("floral", (base, accent, leaf, PALETTE["yellow"].rgb), weave, scale, seed)
        case "camo":
            return Cloth("camo", (base, darker(base, 0.4), lighter(base, 0.35), darker(base, 0.7)), weave, scale, seed)
        case "denim":
            return Cloth("denim", (mix(base, (0.45, 0.47, 0.50), 0.2),), "denim", 1.0, seed)
        case "knit":
            return Cloth("knit", (base, accent) if seed % 3 else (base,), "knit", scale, seed)
        case "cable":
            return Cloth("plain", (base,), "cable", 1.0, seed)
        case "cord" | "wool" | "canvas" | "straw":
            return Cloth("plain", (base,), pattern, 1.0, seed)
        case _:
            return Cloth("plain", (base,), weave, 1.0, seed, gloss=0.05 if weave == "leather" else 0.0)


def design(category: str, index: int, seed: int) -> Design:
    """Decide on a product.

    Args:
        category: a slug of RANGES.
        index: 0 or more; the number of the product within its category.
        seed: of the whole catalogue.
    Raises:
        KeyError: an unknown category.
    """
    offer = RANGES[category]
    number = _category_number(category)
    group, sibling = group_of(index)
    shared = np.random.default_rng([seed, number, group])
    own = np.random.default_rng([seed, number, group, sibling, 1])
    pattern = offer.patterns[(group + number) % len(offer.patterns)]
    pattern_seed = int(shared.integers(0, 1000))
    scale = float(shared.uniform(0.9, 1.2))
    colours = {"denim": _DENIM, "straw": _STRAW, "camo": _CAMO}.get(pattern, offer.colours)
    start = int(np.random.default_rng([seed, number]).integers(0, len(colours)))
    # Steps of 5 (or 1 in a short list) walk through the colours without repeating one within a group.
    step = 5 if len(colours) % 5 else 7 if len(colours) % 7 else 1
    colour = colours[(start + index * step) % len(colours)]
    base = PALETTE[colour].rgb
    accent = _contrasting(own, base, 0.45)
    second = _contrasting(own, accent, 0.40)
    cloth = _cloth(pattern, base, accent, second, offer.weave, pattern_seed, scale)
    pose = Pose(
        turn=float(own.uniform(-0.02, 0.02)),
        scale=float(own.uniform(0.955, 1.0)),
        wave=float(own.uniform(0.8, 2.6)),
        phase=float(own.uniform(0, 6.28)),
        shift_x=float(own.uniform(-5, 5)),
        shift_y=float(own.uniform(-4, 4)),
    )
    look = Look(cloth, pattern, accent, second, group)
    return Design(
        category, index, group, colour, pattern, look, pose, (seed, number, group, 2), int(own.integers(0, 1 << 30))
    )
