"""What training sees of a photo is what the service shows the encoder."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

pytest.importorskip("torch")

from Model.card import Turns
from Model.embedder import Embedder
from Model.encoders import load_encoder
from Model.preprocess import load_view
from Model.training.cache import PHOTO_SIZE, build_garments, build_worn, letterbox

pytestmark = pytest.mark.torch


class Ellipse:
    """A segmenter that finds an ellipse a little off the middle of every picture, with a soft edge."""

    identity = "ellipse"
    min_coverage = 0.02

    def masks(self, images: Sequence[Image.Image]) -> list[npt.NDArray[np.uint8]]:
        """Return one mask per picture."""
        found = []
        for image in images:
            y, x = np.mgrid[: image.height, : image.width]
            away = ((x / image.width - 0.4) / 0.25) ** 2 + ((y / image.height - 0.5) / 0.35) ** 2
            found.append(np.clip((1.1 - away) * 255 / 0.2, 0, 255).astype(np.uint8))
        return found


class Nothing(Ellipse):
    """A segmenter that finds no garment anywhere."""

    def masks(self, images: Sequence[Image.Image]) -> list[npt.NDArray[np.uint8]]:
        """Return empty masks."""
        return [np.zeros((image.height, image.width), np.uint8) for image in images]


class Watching:
    """The shipped encoder, which takes every picture as it comes, and a list of what it was shown."""

    def __init__(self) -> None:
        self._inner = load_encoder("resnet34", None, 1)
        self.card = self._inner.card.model_copy(update={"turns": None})
        self.shown: list[Image.Image] = []

    def embed(self, images: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        """Return the vectors of pictures, which are kept."""
        self.shown += images
        return self._inner.embed(images)


@pytest.mark.parametrize("segmenter", [Ellipse(), Nothing()])
def test_garments_are_cut_as_the_service_cuts_them(drawn_data: Path, tmp_path: Path, segmenter: Ellipse) -> None:
    build_garments(drawn_data, tmp_path, segmenter)
    records = json.loads((tmp_path / "garments.json").read_text())
    cached = np.load(tmp_path / "garments.npy").astype(np.float64)
    watching = Watching()
    eye = Embedder(watching, segmenter, None)
    with tarfile.open(drawn_data / "clothing-dataset.tar") as tar:
        for record, picture in zip(records[:6], cached[:6], strict=True):
            content = tar.extractfile(record["image"])
            assert content is not None
            eye.see([Image.open(io.BytesIO(content.read())).convert("RGB")])
            shown = watching.shown[-1]
            found = shown.mode == "RGBA"
            mask = shown.getchannel("A") if found else Image.new("L", shown.size, 255)
            alpha = letterbox(mask, PHOTO_SIZE, fill=0 if found else 255)
            apart = np.abs(picture - np.dstack([letterbox(shown.convert("RGB"), PHOTO_SIZE), alpha]))
            assert apart.mean() < 2  # cut from the photo as it is, or shrunk to 640 px
            assert np.mean(apart.max(axis=2) > 40) < 0.02


@pytest.mark.parametrize("segmenter", [Ellipse(), Nothing()])
def test_worn_garments_are_cropped_as_a_customer_crops_them(
    drawn_data: Path, tmp_path: Path, segmenter: Ellipse
) -> None:
    build_worn(drawn_data, tmp_path, segmenter)
    records = json.loads((tmp_path / "worn.json").read_text())
    cached = np.load(tmp_path / "worn.npy").astype(np.float64)
    counts = Counter((record["image"], record["label"]) for record in records)
    assert set(counts.values()) == {1, 2}, "training garments twice, held-back ones once"
    assert {counts[record["image"], record["label"]] for record in records if record["split"] == "val"} == {1}
    assert {record["label"] for record in records} == {"dress", "shoes"}
    boxes = {"dress": (17 / 70, 25 / 100, 35 / 70, 35 / 100), "shoes": (20 / 70, 80 / 100, 30 / 70, 15 / 100)}
    watching = Watching()
    eye = Embedder(watching, segmenter, None)
    seen = set()
    with tarfile.open(drawn_data / "clothing-co-parsing.tar") as tar:
        for record, picture in zip(records, cached, strict=True):
            name = record["image"], record["label"]
            if name in seen:
                continue  # a hand's crop of the same garment
            seen.add(name)
            content = tar.extractfile(record["image"])
            assert content is not None
            eye.see([load_view(content.read(), crop_box=boxes[record["label"]])])
            shown = watching.shown[-1]
            found = shown.mode == "RGBA"
            mask = shown.getchannel("A") if found else Image.new("L", shown.size, 255)
            alpha = letterbox(mask, PHOTO_SIZE, fill=0 if found else 255)
            apart = np.abs(picture - np.dstack([letterbox(shown.convert("RGB"), PHOTO_SIZE), alpha]))
            assert apart.mean() < 2


class Bars:
    """A segmenter that finds a bar in the middle: in every second picture one that is wider than tall."""

    identity = "bars"
    min_coverage = 0.02

    def __init__(self) -> None:
        self._seen = 0

    def masks(self, images: Sequence[Image.Image]) -> list[npt.NDArray[np.uint8]]:
        """Return one mask per picture."""
        found = []
        for image in images:
            self._seen += 1
            half = min(image.size) // 3
            tall, wide = (half, half // 2) if self._seen % 2 else (half // 2, half)
            mask = np.zeros((image.height, image.width), np.uint8)
            middle = image.height // 2, image.width // 2
            mask[middle[0] - tall : middle[0] + tall, middle[1] - wide : middle[1] + wide] = 255
            found.append(mask)
        return found


class Sides:
    """An encoder that sees whether a garment is wider than tall, and takes that for lying on its left side."""

    def __init__(self) -> None:
        weights = np.array([[0, 40], [40, 0], [-40, -40], [0, -40]], dtype="<f2")
        turns = Turns(
            weights_fp16_b64=base64.b64encode(weights.tobytes()).decode(), bias=(0, 0, 0, 0), doubt=0.5, reluctance=0.5
        )
        known = load_encoder("resnet34", None, 1).card
        self.card = known.model_copy(update={"turns": turns, "dim": 2})

    def embed(self, images: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        """Return (1, 0) for what is wider than tall, else (0, 1)."""
        rows = []
        for image in images:
            y, x = np.nonzero(np.asarray(image.convert("L")) < 250)
            wide = bool(len(x)) and np.ptp(x) > np.ptp(y)
            rows.append((float(wide), float(not wide)))
        return np.array(rows, dtype=np.float32)


def test_garments_that_lie_on_their_side_are_turned_upright(drawn_data: Path, tmp_path: Path) -> None:
    folders = tmp_path / "as they come", tmp_path / "upright"
    for folder, encoder in zip(folders, (None, Sides()), strict=True):
        folder.mkdir()
        build_garments(drawn_data, folder, Bars(), encoder)
    before, after = (np.load(folder / "garments.npy") for folder in folders)
    wide = Sides().embed([Image.fromarray(np.where(one[:, :, 3:] > 0, one[:, :, :3], 255)) for one in before])[:, 0]
    assert 0 < wide.sum() < len(wide)
    for one, other, lies in zip(before, after, wide, strict=True):
        np.testing.assert_array_equal(other, np.rot90(one, -1) if lies else one)
