"""The drawn garments: one builder per category."""

from Data.sample.garments.bag import bag
from Data.sample.garments.base import Builder, Look
from Data.sample.garments.dress import dress
from Data.sample.garments.hat import hat
from Data.sample.garments.hoodie import hoodie
from Data.sample.garments.longsleeve import longsleeve
from Data.sample.garments.outerwear import outerwear
from Data.sample.garments.pants import pants
from Data.sample.garments.polo import polo
from Data.sample.garments.shirt import shirt
from Data.sample.garments.shoes import shoes
from Data.sample.garments.shorts import shorts
from Data.sample.garments.skirt import skirt
from Data.sample.garments.tshirt import tshirt

BUILDERS: dict[str, Builder] = {
    "t-shirt": tshirt,
    "polo": polo,
    "shirt": shirt,
    "longsleeve": longsleeve,
    "hoodie": hoodie,
    "outerwear": outerwear,
    "pants": pants,
    "shorts": shorts,
    "skirt": skirt,
    "dress": dress,
    "shoes": shoes,
    "hat": hat,
    "bag": bag,
}

__all__ = ["BUILDERS", "Builder", "Look"]
