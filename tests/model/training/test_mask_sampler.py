"""Cloth as a background: what of a garment it is made of, and where it is used."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from Model.training.mask_data import MaskSets
from Model.training.mask_sampler import MaskSampler, inner_square

pytestmark = pytest.mark.torch

SHIRT = 7


def patched(side: int, garment: tuple[int, int, int, int]) -> np.ndarray:
    """Return a green square with a garment of red noise in it: left, top, right, bottom in px. Shape: (s, s, 3)."""
    left, top, right, bottom = garment
    picture = np.zeros((side, side, 3), np.uint8)
    picture[..., 1] = 200
    picture[top:bottom, left:right, 1] = 0
    noise = np.random.default_rng(side).integers(60, 250, (bottom - top, right - left))
    picture[top:bottom, left:right, 0] = noise
    return picture


@pytest.fixture
def sets() -> MaskSets:
    """Return two pictures of every kind, one of them held back, whose garments are red and whose grounds are green."""
    photo, tags = patched(384, (100, 40, 300, 340)), np.zeros((384, 384), np.uint8)
    tags[40:340, 100:300] = SHIRT
    phone, soft = patched(320, (80, 80, 240, 200)), np.zeros((160, 160), np.uint8)
    soft[40:100, 40:120] = 255
    alpha = np.zeros((256, 256, 1), np.uint8)
    alpha[60:160, 60:200] = 255
    drawing = np.concatenate([patched(256, (60, 60, 200, 160)), alpha], axis=2)
    held = np.array([False, True])
    return MaskSets(
        street=np.stack([photo] * 2),
        street_tags=np.stack([tags] * 2),
        street_stems=["one", "two"],
        street_is_val=held,
        shop=np.zeros((0, 96, 96, 4), np.uint8),
        photos=np.stack([phone] * 2),
        photo_names=["one", "two"],
        photo_is_val=held,
        drawings=np.stack([drawing] * 10),
        pseudo=np.stack([soft] * 2),
        pseudo_weight=np.ones(2, np.float32),
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_largest_square_is_that_of_a_slow_search(seed: int) -> None:
    random = np.random.default_rng(seed)
    height, width = random.integers(3, 16, 2)
    chosen = random.random((height, width)) < 0.85
    odd = [
        side
        for side in range(1, min(height, width) + 1, 2)
        for top in range(height - side + 1)
        for left in range(width - side + 1)
        if chosen[top : top + side, left : left + side].all()
    ]
    left, top, right, bottom = inner_square(chosen)
    edges = [round(edge * length) for edge, length in zip((left, top, right, bottom), (width, height) * 2, strict=True)]
    assert edges[2] - edges[0] == edges[3] - edges[1] == max(odd)
    assert chosen[edges[1] : edges[3], edges[0] : edges[2]].all()


def test_nothing_chosen_has_no_square() -> None:
    assert inner_square(np.zeros((5, 7), bool)) == (0.0, 0.0, 0.0, 0.0)


def test_cloth_is_the_inside_of_a_garment_alone(sets: MaskSets) -> None:
    sampler = MaskSampler(sets, seed=1)
    for _ in range(30):
        cloth = sampler.cloth(96)
        assert cloth is not None
        assert cloth.shape == (96, 96, 3)
        assert cloth[..., 0].std() > 5, "a pattern"
        assert cloth[..., 1:].max() == 0, "nothing of the ground around the garment"


def test_a_garment_too_small_for_a_pattern_gives_none(sets: MaskSets) -> None:
    sampler = MaskSampler(sets, seed=1)
    sets.street_tags[:], sets.pseudo, sets.drawings = 0, np.zeros((2, 160, 160), np.uint8), sets.drawings * 0
    assert all(sampler.cloth(96) is None for _ in range(12))


def test_composites_lie_on_cloth_in_training_and_never_where_they_are_measured(sets: MaskSets) -> None:
    def on_cloth(validation: bool) -> int:
        sampler = MaskSampler(sets, seed=2, validation=validation)
        grounds = [picture[mask == 0] for picture, mask in (sampler.composite(64) for _ in range(60))]
        return sum(len(ground) > 0 and (ground[:, 1] == 0).mean() > 0.9 for ground in grounds)

    assert on_cloth(validation=True) == 0
    assert 5 <= on_cloth(validation=False) <= 30
