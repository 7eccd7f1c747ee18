"""Words and numbers of an invented shop: brands, names, sizes, prices."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from Data.sample.design import Design

CURRENCY = "KRW"
BRANDS = (
    "Aldermoor",
    "Nine Tides",
    "Hanok Loom",
    "Pale Harbor",
    "Kestrel & Co",
    "Studio Ondo",
    "Fernhill",
    "Mareo",
    "Quiet Post",
    "Larkspur",
    "Norrvik",
    "Tessel",
    "Sobaek",
    "Bright Mill",
    "Ovela",
    "Juniper Row",
)

SAMPLE_CATEGORIES: tuple[tuple[str, str], ...] = (
    ("t-shirt", "T-shirt"),
    ("polo", "Polo shirt"),
    ("shirt", "Shirt"),
    ("longsleeve", "Long sleeve"),
    ("hoodie", "Hoodie"),
    ("outerwear", "Outerwear"),
    ("pants", "Pants"),
    ("shorts", "Shorts"),
    ("skirt", "Skirt"),
    ("dress", "Dress"),
    ("shoes", "Shoes"),
    ("hat", "Hat"),
    ("bag", "Bag"),
)

_PRICES = {
    "t-shirt": (15, 49),
    "polo": (29, 79),
    "shirt": (35, 99),
    "longsleeve": (25, 89),
    "hoodie": (45, 119),
    "outerwear": (89, 329),
    "pants": (39, 129),
    "shorts": (25, 69),
    "skirt": (35, 109),
    "dress": (49, 189),
    "shoes": (59, 219),
    "hat": (19, 69),
    "bag": (39, 259),
}
_ADJECTIVES = {
    "plain": ("Everyday", "Soft", "Clean", "Easy", "Studio"),
    "stripes": ("Striped",),
    "pinstripe": ("Pinstripe",),
    "checks": ("Checked",),
    "dots": ("Dotted",),
    "floral": ("Floral",),
    "camo": ("Camo",),
    "denim": ("Denim",),
    "knit": ("Knitted",),
    "cable": ("Cable-knit",),
    "cord": ("Corduroy",),
    "wool": ("Wool",),
    "canvas": ("Canvas",),
    "straw": ("Straw",),
    "print": ("Graphic",),
    "block": ("Colour-block",),
    "quilted": ("Quilted",),
}
_NOUNS = {
    "t-shirt": "T-shirt",
    "polo": "Polo",
    "shirt": "Shirt",
    "longsleeve": "Top",
    "hoodie": "Hoodie",
    "skirt": "Skirt",
    "pants": "Trousers",
    "shorts": "Shorts",
    "dress": "Dress",
}
_PAIRED = {"trainer", "high-top", "pump", "loafer", "ballerina", "slip-on", "ankle boot", "laced boot"}
_COMPLETE = {
    "blouse",
    "shirt dress",
    "joggers",
    "denim jacket",
    "bomber",
    "puffer",
    "parka",
    "coat",
    "trench",
    "blazer",
    "turtleneck",
    "henley",
    "beanie",
    "cap",
    "beret",
    "bucket hat",
    "tote",
    "handbag",
    "backpack",
    "bucket bag",
}
_SUFFIX = {
    "bomber": " Jacket",
    "puffer": " Jacket",
    "trench": " Coat",
    "crossbody": " Bag",
    "tote": " Bag",
    "wide-brimmed": " Hat",
    "cap": "",
    "coat": "",
}


@dataclass(frozen=True)
class Offer:
    """The shop's words for a product. Prices are whole won."""

    name: str
    brand: str
    gender: str
    age_group: str
    sizes: tuple[str, ...]
    price: Decimal
    final_price: Decimal
    in_stock: bool


def _title(text: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def _name(design: Design, cut: str, rng: np.random.Generator) -> str:
    words = _ADJECTIVES[design.pattern]
    adjective = words[int(rng.integers(len(words)))]
    if cut in _PAIRED:
        noun = _title(cut) + "s"
    elif cut in _COMPLETE or cut in _SUFFIX:
        noun = _title(cut) + _SUFFIX.get(cut, "")
    else:
        noun = f"{_title(cut)} {_NOUNS.get(design.category, _title(design.category))}"
    if cut == "denim jacket" and adjective == "Denim":
        adjective = "Washed"
    if design.pattern == "denim" and design.category == "pants":
        noun = f"{_title(cut)} Jeans"
        adjective = "Washed"
    return f"{adjective} {noun}"


def _gender(category: str, cut: str, rng: np.random.Generator) -> str:
    women = category in ("skirt", "dress") or cut in (
        "pump",
        "ballerina",
        "blouse",
        "handbag",
        "scoop-neck",
        "boat-neck",
        "flared",
        "cropped",
        "beret",
        "wide-brimmed",
    )
    if women:
        return "women"
    if category in ("hat", "bag", "hoodie", "t-shirt"):
        return ("unisex", "unisex", "men", "women")[int(rng.integers(4))]
    return ("men", "women", "unisex")[int(rng.choice(3, p=[0.45, 0.35, 0.2]))]


def _sizes(category: str, gender: str, age_group: str, rng: np.random.Generator) -> tuple[str, ...]:
    if category in ("hat", "bag"):
        return ("FREE",)
    if age_group == "kids":
        return ("160", "170", "180", "190", "200") if category == "shoes" else ("110", "120", "130", "140", "150")
    if category == "shoes":
        first, last = (225, 250) if gender == "women" else (250, 285)
        return tuple(str(size) for size in range(first, last + 1, 5))
    full = ("XS", "S", "M", "L", "XL", "XXL")
    start, stop = int(rng.integers(0, 2)), int(rng.integers(4, 7))
    return full[start:stop]


def offer_for(design: Design, cut: str) -> Offer:
    """Make up the shop's words for a design; siblings of a group share all but their stock."""
    shared = np.random.default_rng([*design.shape_seed, 3])
    own = np.random.default_rng([design.paint_seed, 4])
    gender = _gender(design.category, cut, shared)
    kids = (
        design.category in ("t-shirt", "hoodie", "pants", "shorts", "shoes", "outerwear")
        and float(shared.random()) < 0.12
    )
    age_group = "kids" if kids else "adult"
    low, high = _PRICES[design.category]
    thousands = int(low + (high - low) * float(shared.beta(1.6, 2.6)))
    price = Decimal(thousands) * 1000 + (900 if shared.random() < 0.7 else 0)
    rate = int(shared.choice([0, 0, 0, 10, 15, 20, 30, 40]))
    final = (price * (100 - rate) / 100 / 100).quantize(Decimal(1)) * 100 if rate else price
    return Offer(
        name=_name(design, cut, shared),
        brand=BRANDS[int(shared.integers(len(BRANDS)))],
        gender=gender,
        age_group=age_group,
        sizes=_sizes(design.category, gender, age_group, shared),
        price=price,
        final_price=final,
        in_stock=bool(own.random() < 0.92),
    )
