"""Augmentation and the drawing of batches: what must hold of every view and every batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from PIL import Image
from torch.nn import functional as F

from Data.importers import clothing_dataset
from Model.training.augment import Strength, homographies, mix, recompress, render, views
from Model.training.cache import letterbox, white_background_alpha
from Model.training.labels import CLASSES, CLOTHING_DATASET, SHOP_TYPES, STREET_TAGS, shop_class
from Model.training.manifest import read_split, split_of

pytestmark = pytest.mark.torch

STILL = Strength(
    turn=0, zoom=(1, 1), stretch=1, shift=0, tilt=0, light=0, tint=0, blur=0, erase=0, swap=0
)  # leaves a picture as it is, but for the mirror


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_still_view_is_the_picture_or_its_mirror_image() -> None:
    pictures = torch.rand(8, 4, 32, 32, generator=generator())
    pictures[:, 3] = 1
    seen = views(pictures, 32, STILL, generator())
    for view, picture in zip(seen, pictures[:, :3], strict=True):
        same = torch.allclose(view, picture, atol=1e-4)
        mirrored = torch.allclose(view, picture.flip(2), atol=1e-4)
        assert same or mirrored


def test_a_mixed_view_is_two_views_in_shares_that_add_up_to_one() -> None:
    # Each view holds its own number alone, in its own place: what is in a mixture can be read off it.
    images = torch.diag_embed(torch.ones(12)).view(12, 1, 3, 4).expand(12, 3, 3, 4)
    mixed = mix(images, 7, generator()).reshape(7, 3, 12)
    assert mixed[:, 0].equal(mixed[:, 1]) and mixed[:, 0].equal(mixed[:, 2])
    shares = mixed[:, 0]
    assert torch.allclose(shares.sum(1), torch.ones(7))
    for row in shares:
        parts = row[row > 0]
        assert len(parts) in (1, 2)  # a view may meet itself
        assert len(parts) == 1 or (parts.min() >= 0.25 and parts.max() <= 0.75)
    assert (shares > 0).any(dim=0).sum() > 7
    assert mix(images, 7, generator()).equal(mix(images, 7, generator()))


def test_views_repeat_with_their_seed_and_stay_in_range() -> None:
    pictures = torch.rand(6, 4, 40, 40, generator=generator())
    first, second = (views(pictures, 24, Strength(), generator(5)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (6, 3, 24, 24)
    assert first.min() >= 0 and first.max() <= 1


def test_outside_the_picture_is_white() -> None:
    black = torch.zeros(1, 4, 32, 32)
    black[:, 3] = 1
    far = replace(STILL, zoom=(0.5, 0.5))
    seen = views(black, 32, far, generator())
    assert seen[0, :, 0, 0].tolist() == [1, 1, 1]
    assert seen[0, :, 16, 16].tolist() == [0, 0, 0]


def test_a_known_mask_lets_the_background_go_white() -> None:
    pictures = torch.full((64, 4, 32, 32), 0.5)
    pictures[:, 3] = 0
    pictures[:, 3, 8:24, 8:24] = 1
    always = Strength(
        turn=0, zoom=(1, 1), stretch=1, shift=0, tilt=0, light=0, tint=0, blur=0, erase=0, swap=1, white=0.5
    )
    seen = views(pictures, 32, always, generator())
    white = (seen[:, :, 2, 2] == 1).all(dim=1).float().mean()
    assert 0.3 < white < 0.75  # half of them white, the rest another picture or a plain colour
    assert torch.allclose(seen[:, :, 16, 16], torch.tensor(0.5))


def test_a_homography_of_no_strength_is_the_identity_but_for_the_mirror() -> None:
    maps = homographies(5, STILL, generator())
    assert torch.allclose(maps.abs(), torch.eye(3).expand(5, 3, 3))
    picture = torch.rand(1, 3, 16, 16, generator=generator())
    assert torch.allclose(render(picture, torch.eye(3)[None], 16), picture, atol=1e-5)


def test_a_cut_shows_a_part_undistorted_between_white_bars() -> None:
    side = 64
    ramp = torch.linspace(0, 1, side)
    pictures = torch.ones(40, 4, side, side)
    pictures[:, 0], pictures[:, 1], pictures[:, 2] = ramp.view(1, 1, -1), ramp.view(1, -1, 1), 0.5
    seen = views(pictures, side, replace(STILL, cut=1.0), generator())
    for view in seen:
        inside = view[2] < 0.75  # a bar is white
        rows, columns = inside.any(dim=1).sum().item(), inside.any(dim=0).sum().item()
        assert inside.sum().item() == rows * columns  # one rectangle
        assert max(rows, columns) == side and min(rows, columns) >= 0.6 / 0.95 * side - 2
        top, left = inside.any(dim=1).int().argmax().item(), inside.any(dim=0).int().argmax().item()
        assert abs(2 * top + rows - side) <= 1 and abs(2 * left + columns - side) <= 1  # in the middle
        middle = view[:, top + rows // 2, left + columns // 2]
        # As far across as down: the part keeps its shape, and shows 60 to 95 % of the longer side.
        across = (view[0, top + rows // 2, left + columns - 2] - view[0, top + rows // 2, left + 1]).abs() / (
            columns - 3
        )
        down = (view[1, top + rows - 2, left + columns // 2] - view[1, top + 1, left + columns // 2]) / (rows - 3)
        assert float(across) == pytest.approx(float(down), rel=0.05)
        assert 0.6 <= float(down) * side <= 1.0
        assert 0.2 < float(middle[0]) < 0.8


def test_recompressed_pictures_keep_their_size_and_look_and_the_others_every_pixel() -> None:
    smooth = F.interpolate(torch.rand(30, 3, 6, 6, generator=generator()), size=(48, 48), mode="bilinear")
    assert torch.equal(recompress(smooth, Strength(jpeg=0.0), generator()), smooth)
    worn = recompress(smooth, Strength(jpeg=0.5), generator())
    changed = (worn != smooth).flatten(1).any(dim=1)
    assert 5 < int(changed.sum()) < 25
    error = (worn - smooth)[changed].abs().mean(dim=(1, 2, 3))
    assert float(error.min()) > 0 and float(error.max()) < 0.06
    assert worn.shape == smooth.shape and float(worn.min()) >= 0 and float(worn.max()) <= 1


def test_letterbox_centres_on_white() -> None:
    boxed = letterbox(Image.new("RGB", (10, 40), "black"), 80)
    assert boxed.shape == (80, 80, 3)
    assert boxed[40, 40].tolist() == [0, 0, 0]
    assert boxed[40, 5].tolist() == [255, 255, 255]


def test_a_white_background_gives_its_mask_away_and_a_photo_does_not() -> None:
    picture = np.full((20, 20, 3), 255, np.uint8)
    picture[5:15, 5:15] = (200, 10, 10)
    picture[9:11, 9:11] = 255  # a white button is garment
    alpha = white_background_alpha(picture)[:, :, 0]
    assert (alpha[5:15, 5:15] == 255).all()
    assert alpha[0, 0] == 0
    assert (white_background_alpha(np.full((20, 20, 3), 120, np.uint8)) == 255).all()


def test_every_mapped_word_is_a_class() -> None:
    for words in (CLOTHING_DATASET, STREET_TAGS, SHOP_TYPES):
        assert set(words.values()) <= set(CLASSES)
    assert shop_class("Tshirts", "Puma Men Polo T-shirt") == "polo"
    assert shop_class("Tshirts", "Basics Full Sleeve T-shirt") == "longsleeve"
    assert shop_class("Sweatshirts", "Hooded Grey Sweatshirt") == "hoodie"
    assert shop_class("Watches", "A Watch") == ""
    # Training may not import the catalogue, so each has the map; they must not drift apart.
    assert clothing_dataset.CATEGORIES == CLOTHING_DATASET


def test_the_committed_splits_are_the_same_everywhere() -> None:
    assert len(read_split("clothing_dataset_val")) == 791
    assert len(read_split("clothing_co_parsing_val")) == 334
    assert [split_of(f"similook-street-{name}") for name in ("0001", "0002", "0012")] == ["train", "val", "val"]


def test_no_sender_is_on_both_sides(shared_dir: Path) -> None:
    from Model.training.manifest import clothing_dataset

    rows = list(clothing_dataset(shared_dir / "data" / "clothing-dataset.tar"))
    sides = {split: {row.group for row in rows if row.split == split} for split in ("train", "val")}
    assert not sides["train"] & sides["val"]
