"""The thirteen default classes, and how each published set's own words map to them.

Source: ARCHITECTURE.md, "Words fixed once". A set's word that is missing here has no class: the picture is still
used for distillation and for the other heads, never for the category.
"""

from __future__ import annotations

CLASSES: tuple[str, ...] = (
    "t-shirt",
    "polo",
    "shirt",
    "longsleeve",
    "hoodie",
    "outerwear",
    "pants",
    "shorts",
    "skirt",
    "dress",
    "shoes",
    "hat",
    "bag",
)

CLOTHING_DATASET: dict[str, str] = {
    "T-Shirt": "t-shirt",
    "Undershirt": "t-shirt",
    "Top": "t-shirt",
    "Polo": "polo",
    "Shirt": "shirt",
    "Blouse": "shirt",
    "Longsleeve": "longsleeve",
    "Hoodie": "hoodie",
    "Outwear": "outerwear",
    "Blazer": "outerwear",
    "Pants": "pants",
    "Shorts": "shorts",
    "Skirt": "skirt",
    "Dress": "dress",
    "Shoes": "shoes",
    "Hat": "hat",
}

# Tags of clothing-co-parsing. Cardigan, sweatshirt and vest are left out: people disagree about their class.
STREET_TAGS: dict[str, str] = {
    "t-shirt": "t-shirt",
    "top": "t-shirt",
    "blouse": "shirt",
    "shirt": "shirt",
    "sweater": "longsleeve",
    "jumper": "longsleeve",
    "hoodie": "hoodie",
    "blazer": "outerwear",
    "cape": "outerwear",
    "coat": "outerwear",
    "jacket": "outerwear",
    "jeans": "pants",
    "leggings": "pants",
    "pants": "pants",
    "shorts": "shorts",
    "skirt": "skirt",
    "dress": "dress",
    "boots": "shoes",
    "clogs": "shoes",
    "flats": "shoes",
    "heels": "shoes",
    "loafers": "shoes",
    "pumps": "shoes",
    "sandals": "shoes",
    "shoes": "shoes",
    "sneakers": "shoes",
    "wedges": "shoes",
    "hat": "hat",
    "bag": "bag",
    "purse": "bag",
}

# Tags that are garments or carried things: their crops are trained on even where they have no class of the thirteen.
STREET_GARMENTS: frozenset[str] = frozenset(STREET_TAGS) | {
    "bodysuit",
    "cardigan",
    "romper",
    "scarf",
    "suit",
    "sweatshirt",
    "swimwear",
    "vest",
    "intimate",
    "wallet",
}

SHOP_TYPES: dict[str, str] = {
    "Tshirts": "t-shirt",
    "Tops": "t-shirt",
    "Innerwear Vests": "t-shirt",
    "Camisoles": "t-shirt",
    "Lounge Tshirts": "t-shirt",
    "Shirts": "shirt",
    "Sweaters": "longsleeve",
    "Sweatshirts": "longsleeve",
    "Jackets": "outerwear",
    "Blazers": "outerwear",
    "Rain Jacket": "outerwear",
    "Nehru Jackets": "outerwear",
    "Jeans": "pants",
    "Trousers": "pants",
    "Track Pants": "pants",
    "Leggings": "pants",
    "Lounge Pants": "pants",
    "Jeggings": "pants",
    "Churidar": "pants",
    "Salwar": "pants",
    "Patiala": "pants",
    "Tights": "pants",
    "Shorts": "shorts",
    "Lounge Shorts": "shorts",
    "Skirts": "skirt",
    "Dresses": "dress",
    "Casual Shoes": "shoes",
    "Sports Shoes": "shoes",
    "Formal Shoes": "shoes",
    "Heels": "shoes",
    "Flats": "shoes",
    "Sandals": "shoes",
    "Flip Flops": "shoes",
    "Sports Sandals": "shoes",
    "Booties": "shoes",
    "Caps": "hat",
    "Hat": "hat",
    "Handbags": "bag",
    "Backpacks": "bag",
    "Clutches": "bag",
    "Duffel Bag": "bag",
    "Laptop Bag": "bag",
    "Messenger Bag": "bag",
    "Rucksacks": "bag",
    "Trolley Bag": "bag",
    "Waist Pouch": "bag",
}


def shop_class(article_type: str, title: str) -> str:
    """Return the class of a shop picture from its type and title, "" where it has none.

    The shop files polos and long-sleeved shirts under Tshirts and hoodies under Sweatshirts or Jackets; the title
    tells them apart.
    """
    words = title.lower().replace("-", " ").split()
    if article_type == "Tshirts":
        if "polo" in words:
            return "polo"
        if "full" in words and any(word.startswith("sleeve") for word in words):
            return "longsleeve"
    if article_type in {"Sweatshirts", "Jackets", "Sweaters"} and any(word.startswith("hood") for word in words):
        return "hoodie"
    return SHOP_TYPES.get(article_type, "")
