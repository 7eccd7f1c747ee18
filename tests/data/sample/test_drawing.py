"""One drawn product: the same every time, with an exact mask and the colour that its name promises."""

from __future__ import annotations

import numpy as np
import pytest

from Data.sample import SAMPLE_CATEGORIES, Drawing, draw_product
from Data.sample.design import RANGES, group_of
from Data.sample.garments import BUILDERS
from Data.sample.painter import Part
from Data.sample.palette import PALETTE, srgb_to_lab

SLUGS = [slug for slug, _ in SAMPLE_CATEGORIES]
FIRST: dict[str, Drawing] = {}


def first(category: str) -> Drawing:
    """The first product of a category, drawn once for all tests."""
    if category not in FIRST:
        FIRST[category] = draw_product(category, 0)
    return FIRST[category]


def test_there_are_thirteen_categories_each_with_a_builder_and_a_range() -> None:
    assert len(SLUGS) == 13
    assert set(SLUGS) == set(BUILDERS) == set(RANGES)


@pytest.mark.parametrize("category", SLUGS)
def test_the_same_arguments_give_the_same_pixels(category: str) -> None:
    again = draw_product(category, 0)
    assert np.array_equal(first(category).rgb, again.rgb)
    assert np.array_equal(first(category).mask, again.mask)
    assert first(category).offer == again.offer


def test_another_seed_gives_another_picture() -> None:
    assert not np.array_equal(first("dress").rgb, draw_product("dress", 0, seed=8).rgb)


@pytest.mark.parametrize("category", SLUGS)
def test_the_picture_is_a_product_before_a_plain_wall(category: str) -> None:
    drawing = first(category)
    assert drawing.rgb.shape == (600, 480, 3) and drawing.rgb.dtype == np.uint8
    assert drawing.mask.shape == (600, 480) and drawing.mask.dtype == np.uint8
    share = float((drawing.mask > 127).mean())
    assert 0.08 < share < 0.75
    frame = np.concatenate([drawing.mask[0], drawing.mask[-1], drawing.mask[:, 0], drawing.mask[:, -1]])
    assert not frame.any(), "the product touches the picture's edge"
    assert float(drawing.rgb[drawing.mask > 127].std()) > 4, "the product is blank"


@pytest.mark.parametrize("category", SLUGS)
def test_outside_the_mask_there_is_only_wall_and_soft_shadow(category: str) -> None:
    """The background is near neutral, smooth, and white far from the product; so the mask misses no part of it."""
    drawing = first(category)
    outside = drawing.mask == 0
    pixels = drawing.rgb[outside].astype(int)
    assert int((pixels.max(axis=1) - pixels.min(axis=1)).max()) <= 16, "colour outside the mask"
    assert float(np.median(pixels)) > 225
    grey = drawing.rgb.astype(int).sum(axis=2) / 3
    step = np.abs(np.diff(grey, axis=1))
    both = outside[:, 1:] & outside[:, :-1]
    assert float(step[both].max()) < 14, "an edge outside the mask"


@pytest.mark.parametrize("category", SLUGS)
def test_the_mask_is_the_union_of_the_pieces(category: str) -> None:
    """Work the mask out again the slow way: which pixel centres lie inside a piece's outline."""
    from Data.sample.design import design

    plan = design(category, 0, 7)
    sketch = BUILDERS[category](np.random.default_rng(plan.shape_seed), plan.look)
    pose = plan.pose.framed(sketch)
    y, x = np.mgrid[0:600:4, 0:480:4] + 0.5
    union = np.zeros(y.shape, dtype=bool)
    for part in sketch.elements:
        if isinstance(part, Part):
            inside = _inside(pose.place(part.outline), x, y)
            for hole in part.holes:
                inside &= ~_inside(pose.place(hole), x, y)
            if part.within is not None:
                inside &= _inside(pose.place(part.within), x, y)
            union |= inside
    sampled = first(category).mask[::4, ::4]
    certain = (sampled < 20) | (sampled > 235)
    disagree = (sampled > 127) != union
    assert float((disagree & certain).mean()) < 0.002


def _inside(outline: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Even-odd test of every point against every edge."""
    result = np.zeros(x.shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if ay == by:
            continue
        crosses = (ay > y) != (by > y)
        result ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return result


def test_plain_cloth_has_the_colour_of_its_name() -> None:
    """The middle value of the picture under the mask lies near the named colour in CIELAB."""
    checked = 0
    for category in ("t-shirt", "hoodie", "dress", "pants", "skirt", "longsleeve"):
        for index in range(12):
            drawing = first(category) if index == 0 else None
            if drawing is None and _plan_pattern(category, index) != "plain":
                continue
            drawing = drawing or draw_product(category, index)
            if drawing.pattern != "plain":
                continue
            pixels = drawing.rgb[drawing.mask == 255].astype(np.float64) / 255
            lab = np.median(srgb_to_lab(pixels), axis=0)
            distance = float(np.linalg.norm(lab - np.array(drawing.colour.lab)))
            assert distance < 14, f"{drawing.product_id} is {distance:.0f} away from {drawing.colour.name}"
            checked += 1
            if checked % 3 == 0:
                break
    assert checked >= 8


def _plan_pattern(category: str, index: int) -> str:
    from Data.sample.design import design

    return design(category, index, 7).pattern


def test_white_and_black_in_cielab() -> None:
    lab = srgb_to_lab(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    known = np.array([[100.0, 0.0, 0.0], [0.0, 0.0, 0.0], [53.24, 80.09, 67.20]])
    assert np.allclose(lab, known, atol=0.05)
    assert PALETTE["white"].lab[0] > 93


def test_siblings_share_the_cut_and_differ_in_colour() -> None:
    one, two, other = draw_product("outerwear", 0), draw_product("outerwear", 1), draw_product("outerwear", 3)
    assert one.group_id == two.group_id != other.group_id
    assert one.cut == two.cut and one.pattern == two.pattern
    assert one.colour.name != two.colour.name
    assert (one.offer.name, one.offer.brand, one.offer.price) == (two.offer.name, two.offer.brand, two.offer.price)


def test_groups_cover_every_index_in_order() -> None:
    groups = [group_of(index) for index in range(50)]
    assert groups[:8] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0), (3, 0), (3, 1)]
    assert [group for group, _ in groups] == sorted(group for group, _ in groups)


def test_two_products_of_a_category_differ() -> None:
    one, two = draw_product("bag", 0).rgb.astype(int), draw_product("bag", 3).rgb.astype(int)
    assert float(np.abs(one - two).mean()) > 3


def test_categories_have_silhouettes_of_their_own() -> None:
    """Intersection over union of two categories' silhouettes, both drawn plainly, stays well under one."""
    distinct = ("t-shirt", "longsleeve", "pants", "shorts", "skirt", "dress", "shoes", "hat", "bag")
    masks = {slug: first(slug).mask > 127 for slug in distinct}
    for i, a in enumerate(distinct):
        for b in distinct[i + 1 :]:
            overlap = float((masks[a] & masks[b]).sum() / (masks[a] | masks[b]).sum())
            assert overlap < 0.86, f"{a} and {b} overlap by {overlap:.2f}"


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(KeyError):
        draw_product("teapot", 0)
