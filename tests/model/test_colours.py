"""Colours get the words that a person would use, and mostly those that a shop uses."""

import csv
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from Model.colours import NAMES, WEIGHTS, garment_colours, rgb_to_lab
from Model.segmenters.plain_border import plain_border_mask

# A shop's words for what the palette has one word for.
SYNONYMS = {
    "navy blue": "navy", "silver": "grey", "charcoal": "grey", "steel": "grey", "grey melange": "grey",
    "metallic": "grey", "off white": "white", "cream": "cream", "gold": "beige", "bronze": "brown", "copper": "brown",
    "coffee brown": "brown", "mushroom brown": "brown", "taupe": "brown", "maroon": "burgundy", "skin": "beige",
    "nude": "beige", "turquoise blue": "turquoise", "sea green": "green", "lime green": "green",
    "fluorescent green": "green", "rose": "pink", "mauve": "lavender", "rust": "brown",
}  # fmt: skip
# Neighbours that shops themselves mix up: counted as agreement in the looser of the two figures.
FAMILIES = {
    "navy": "blue", "turquoise": "blue", "teal": "green", "olive": "green", "cream": "beige", "khaki": "beige",
    "tan": "brown", "burgundy": "red", "magenta": "pink", "peach": "pink", "lavender": "purple", "mustard": "yellow",
}  # fmt: skip


@pytest.mark.parametrize(
    ("rgb", "word"),
    [
        ((15, 15, 15), "black"), ((250, 250, 250), "white"), ((128, 128, 128), "grey"), ((20, 25, 60), "navy"),
        ((40, 80, 190), "blue"), ((200, 20, 30), "red"), ((110, 20, 40), "burgundy"), ((30, 120, 50), "green"),
        ((85, 85, 40), "olive"), ((245, 220, 60), "yellow"), ((240, 130, 30), "orange"), ((245, 150, 180), "pink"),
        ((100, 50, 130), "purple"), ((100, 65, 40), "brown"), ((222, 205, 175), "beige"), ((30, 170, 170), "turquoise"),
    ],
)  # fmt: skip
def test_plain_colours(rgb: tuple[int, int, int], word: str) -> None:
    (colour,) = garment_colours(Image.new("RGB", (60, 60), rgb), np.full((60, 60), 255, dtype=np.uint8))
    assert colour.name == word
    assert colour.share == 1.0
    np.testing.assert_allclose(colour.lab, rgb2lab(np.array(rgb, dtype=np.uint8)[None, None])[0, 0], atol=0.6)


def test_lab_equals_scikit_image() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (500, 3), dtype=np.uint8)
    np.testing.assert_allclose(rgb_to_lab(pixels), rgb2lab(pixels[None])[0], atol=0.05)


def test_stripes_keep_their_two_colours_and_the_background_has_no_say() -> None:
    pixels = np.full((90, 90, 3), (0, 200, 0), dtype=np.uint8)
    pixels[15:75, 15:75] = (20, 25, 60)
    for row in range(15, 75, 12):
        pixels[row : row + 5, 15:75] = (245, 245, 245)
    mask = np.zeros((90, 90), dtype=np.uint8)
    mask[15:75, 15:75] = 255
    colours = garment_colours(Image.fromarray(pixels), mask)
    assert {colour.name for colour in colours} == {"navy", "white"}
    assert sum(colour.share for colour in colours) == pytest.approx(1, abs=0.02)


def test_an_empty_mask_has_no_colour_and_a_thin_one_has() -> None:
    image = Image.new("RGB", (50, 50), (200, 20, 30))
    assert garment_colours(image, np.zeros((50, 50), dtype=np.uint8)) == []
    line = np.zeros((50, 50), dtype=np.uint8)
    line[25] = 255
    assert [colour.name for colour in garment_colours(image, line)] == ["red"]


def test_the_palette_is_consistent() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert set(WEIGHTS) <= set(NAMES)


def test_agreement_with_a_shops_own_words(shared_dir: Path) -> None:
    """Of 400 cut-out products; the evaluation in docs/results uses 2,000 and the mask network for the rest."""
    asked = same = family = 0
    with tarfile.open(shared_dir / "data" / "fashion-product-images-small.tar") as tar:
        member = next(entry for entry in tar if entry.name.endswith("styles.csv"))
        text = io.TextIOWrapper(tar.extractfile(member) or io.BytesIO(), encoding="utf-8")
        words = {row["id"]: row["baseColour"].lower() for row in csv.DictReader(text)}
        for entry in tar:
            word = words.get(Path(entry.name).stem, "")
            word = SYNONYMS.get(word, word)
            if asked == 400:
                break
            if word not in NAMES or not entry.name.endswith(".jpg"):
                continue
            image = Image.open(io.BytesIO((tar.extractfile(entry) or io.BytesIO()).read())).convert("RGB")
            mask = plain_border_mask(image)
            if mask is None or not (mask > 127).any():
                continue
            found = garment_colours(image, mask)[0].name
            asked += 1
            same += found == word
            family += FAMILIES.get(found, found) == FAMILIES.get(word, word)
    assert asked == 400
    assert same / asked > 0.55
    assert family / asked > 0.60
