"""One product: its picture, its exact mask, and what the shop says of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from Data.sample.design import design
from Data.sample.garments import BUILDERS
from Data.sample.naming import CURRENCY, Offer, offer_for
from Data.sample.painter import Picture, paint
from Data.sample.palette import PALETTE, Colour


@dataclass(frozen=True)
class Drawing:
    """A drawn product.

    `rgb` is uint8 (600, 480, 3). `mask` is uint8 (600, 480): the product's exact coverage of each pixel, 0..255,
    without its shadow. `cut` names the silhouette, `pattern` the cloth; products with one `group_id` differ in colour
    alone.
    """

    rgb: Picture
    mask: Picture
    product_id: str
    group_id: str
    category: str
    cut: str
    pattern: str
    colour: Colour
    offer: Offer
    currency: str = CURRENCY


def draw_product(category: str, index: int, seed: int = 7) -> Drawing:
    """Draw one product; the same arguments give the same pixels.

    Args:
        category: a slug of SAMPLE_CATEGORIES.
        index: 0 or more; products 0 and 1 of a category are siblings, as are others here and there.
        seed: of the catalogue.
    Raises:
        KeyError: an unknown category.
    """
    plan = design(category, index, seed)
    sketch = BUILDERS[category](np.random.default_rng(plan.shape_seed), plan.look)
    rgb, mask = paint(sketch, plan.pose, plan.paint_seed)
    return Drawing(
        rgb=rgb,
        mask=mask,
        product_id=f"{category}-{index:03d}",
        group_id=f"{category}-g{plan.group:02d}",
        category=category,
        cut=sketch.cut,
        pattern=plan.pattern,
        colour=PALETTE[plan.colour],
        offer=offer_for(plan, sketch.cut),
    )
