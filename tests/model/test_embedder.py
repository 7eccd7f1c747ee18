"""Seeing: one way for catalogue and query, by small real models and by the shipped ones."""

import io
import math
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from Model.card import Match
from Model.embedder import Embedder, match_probability, with_margin
from Model.preprocess import Box, View, load
from Model.segmenters.on_white import coverage, garment_box, on_white, with_background

MakeModel = Callable[..., Path]
MATCH = {"kind": "logistic", "a": 12.0, "b": -8.0, "bands": {"same": 0.8, "similar": 0.3}}


@pytest.fixture
def eye(make_encoder: MakeModel, make_segmenter: MakeModel, make_classifier: MakeModel, tmp_path: Path) -> Embedder:
    """Return an embedder whose mask is what is red and whose vector is the mean colour."""
    make_encoder("mine", dim=8, framing="garment", match=MATCH)
    make_segmenter(0.229, 0.485)
    weight = np.random.default_rng(1).normal(size=(8, 3)) * 4
    make_classifier(weight, ("shirt", "hat", "bag"), min_probability=0.5)
    return Embedder.load(tmp_path / "models", encoder="mine")


def street(size: tuple[int, int] = (240, 320)) -> Image.Image:
    """Return a red garment on a busy ground without any red."""
    pixels = np.random.default_rng(0).integers(0, 120, (size[1], size[0], 3), dtype=np.uint8)
    pixels[..., 0] = 0
    image = Image.fromarray(pixels)
    ImageDraw.Draw(image).rectangle((60, 80, 179, 239), fill=(255, 30, 30))
    return image


def test_what_is_seen(eye: Embedder) -> None:
    (sight,) = eye.see([street()])
    assert sight.found
    assert sight.coverage == pytest.approx(120 * 160 / (240 * 320), rel=0.03)
    assert sight.box is not None
    np.testing.assert_allclose((sight.box.x, sight.box.y, sight.box.w, sight.box.h), (0.25, 0.25, 0.5, 0.5), atol=0.02)
    assert np.linalg.norm(sight.vector) == pytest.approx(1, abs=1e-6)
    assert sum(sight.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert sight.probability == max(sight.probabilities.values())
    assert sight.category == (
        None if sight.probability < 0.5 else max(sight.probabilities, key=sight.probabilities.get)
    )
    box, share = eye.locate(street())
    assert (box, share) == (sight.box, sight.coverage)


def test_the_background_has_no_say(eye: Embedder) -> None:
    other = street()
    pixels = np.array(other)
    pixels[:70, :, 1:] = 255 - pixels[:70, :, 1:]
    first, second = eye.see([street(), Image.fromarray(pixels)])
    assert float(first.vector @ second.vector) > 0.9999


def test_nothing_outside_of_a_part_is_garment(eye: Embedder) -> None:
    """A second garment beside the part, of another colour, and half a garment inside of it."""
    two = street((480, 320))
    ImageDraw.Draw(two).rectangle((300, 80, 419, 239), fill=(255, 220, 40))
    left, whole, half, none = eye.see(
        [View(two, Box(0, 0, 0.5, 1)), two, View(two, Box(0, 0, 0.25, 1)), View(two, Box(0, 0, 1, 0.2))]
    )
    (alone,) = eye.see([street()])
    assert float(left.vector @ alone.vector) > 0.9999 > float(whole.vector @ alone.vector)
    assert left.coverage == pytest.approx(alone.coverage, rel=0.03)
    assert left.mask.shape == (320, 240)
    for sight, box in ((left, (0.25, 0.25, 0.5, 0.5)), (half, (0.5, 0.25, 0.5, 0.5))):
        assert sight.box is not None
        np.testing.assert_allclose((sight.box.x, sight.box.y, sight.box.w, sight.box.h), box, atol=0.03)
    erased = two.copy()
    ImageDraw.Draw(erased).rectangle((120, 0, 479, 319), fill=(0, 60, 60))
    (expected,) = eye.see([erased])
    assert float(half.vector @ expected.vector) > 0.999
    assert (none.found, none.coverage) == (False, 0.0)
    assert none.mask.shape == (64, 480)
    (cut,) = eye.see([two.crop((0, 0, 480, 64))])
    np.testing.assert_allclose(none.vector, cut.vector, atol=1e-6)


def test_a_plain_border_and_the_network_agree(eye: Embedder) -> None:
    plain = Image.new("RGB", (240, 320), (255, 255, 255))
    ImageDraw.Draw(plain).rectangle((60, 80, 179, 239), fill=(255, 30, 30))
    first, second = eye.see([street(), plain])
    assert float(first.vector @ second.vector) > 0.999


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (10, 90, 60)])
def test_nothing_found_is_an_answer(eye: Embedder, colour: tuple[int, int, int]) -> None:
    busy = np.random.default_rng(0).integers(0, 100, (100, 100, 3), dtype=np.uint8)
    busy[..., 0] = 0
    for image in (Image.new("RGB", (100, 100), colour), Image.fromarray(busy)):
        (sight,) = eye.see([image])
        assert not sight.found
        assert sight.box is None
        assert np.isfinite(sight.vector).all()
        assert (sight.mask == 255).all()


def test_batches_and_threads_change_nothing(eye: Embedder) -> None:
    images = [street((200 + 10 * number, 320)) for number in range(6)]
    together = eye.see(images)
    with ThreadPoolExecutor(4) as pool:
        apart = list(pool.map(lambda image: eye.see([image])[0], images))
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_allclose(one.vector, other.vector, atol=1e-5)
        assert np.array_equal(one.mask, other.mask)
    assert eye.see([]) == []


def test_match_probability_and_bands(eye: Embedder) -> None:
    for cosine in (-1.0, 0.0, 0.5, 0.7, 1.0):
        probability = eye.match_probability(cosine)
        assert probability == pytest.approx(1 / (1 + math.exp(-(12 * cosine - 8))))
        expected = "same" if probability >= 0.8 else "similar" if probability >= 0.3 else "different"
        assert eye.band(probability) == expected
    steep = Match.model_validate({**MATCH, "a": 5000.0})
    assert match_probability(steep, 1.0) == 1.0
    assert match_probability(steep, -1.0) == 0.0


def test_an_unfitted_encoder_claims_no_probability(make_encoder: MakeModel, tmp_path: Path) -> None:
    make_encoder("plain")
    eye = Embedder.load(tmp_path / "models", "plain", "none", None)
    assert eye.match_probability(0.9) is None
    assert eye.band(None) is None
    (sight,) = eye.see([street()])
    assert (sight.category, sight.probabilities) == (None, {})


def test_embedder_id_changes_with_whatever_changes_a_vector(make_encoder: MakeModel, tmp_path: Path) -> None:
    seen = set()
    variants = (
        {},
        {"seed": 1},
        {"background": "keep"},
        {"background": "alpha"},
        {"framing": "garment"},
        {"resize": "squash"},
        {"mean": (0, 0, 0)},
    )
    for number, fields in enumerate(variants):
        make_encoder(f"e{number}", **fields)
        seen.add(Embedder.load(tmp_path / "models", f"e{number}", "none", None).embedder_id)
    assert len(seen) == len(variants)
    make_encoder("again")
    assert Embedder.load(tmp_path / "models", "again", "none", None).embedder_id in seen, "a name changes nothing"


def test_embedder_id_changes_with_what_counts_as_a_garment(
    make_encoder: MakeModel, make_segmenter: MakeModel, tmp_path: Path
) -> None:
    make_encoder("tiny")
    seen, files = set(), set()
    for number, fields in enumerate(({}, {"min_coverage": 0.5}, {"stretch": True})):
        make_segmenter(1, 0, name=f"mask{number}", **fields)
        eye = Embedder.load(tmp_path / "models", "tiny", f"mask{number}", None)
        seen.add(eye.embedder_id)
        files.add(eye.files)
    assert (len(seen), len(files)) == (3, 1)


def test_boxes_and_coverage_equal_a_slow_search() -> None:
    mask = np.zeros((50, 80), dtype=np.uint8)
    mask[10:30, 20:60] = 200
    box = garment_box(mask)
    assert box == Box(20 / 80, 10 / 50, 40 / 80, 20 / 50)
    assert coverage(mask) == 20 * 40 / (50 * 80)
    assert garment_box(np.zeros((5, 5), dtype=np.uint8)) is None
    assert with_margin(Box(0, 0, 1, 1), (80, 50)) == (0, 0, 80, 50)
    white = on_white(Image.new("RGB", (80, 50), (100, 0, 0)), mask)
    assert white.getpixel((0, 0)) == (255, 255, 255)
    assert white.getpixel((30, 20)) == pytest.approx((100 * 200 / 255 + 55, 55, 55), abs=2)


def test_an_encoder_is_shown_what_its_card_asks_for() -> None:
    image, mask = Image.new("RGB", (8, 6), (10, 20, 30)), np.zeros((6, 8), dtype=np.uint8)
    mask[2:4, 3:6] = 90
    assert with_background(image, mask, "keep") is image
    np.testing.assert_array_equal(np.asarray(with_background(image, mask, "white")), np.asarray(on_white(image, mask)))
    both = np.asarray(with_background(image, mask, "alpha"))
    np.testing.assert_array_equal(both[:, :, :3], np.asarray(image))
    np.testing.assert_array_equal(both[:, :, 3], mask)


def test_the_shipped_eye_on_real_photos(shared_dir: Path) -> None:
    """The shipped weights load, pass their own probes, and see every one of twelve phone photos the same way twice."""
    eye = Embedder.load()
    assert eye.dim == 512
    assert len(eye.labels) == 13
    images = []
    with tarfile.open(shared_dir / "data" / "clothing-dataset.tar") as tar:
        for entry in tar:
            if entry.name.endswith(".jpg") and len(images) < 12:
                images.append(load((tar.extractfile(entry) or io.BytesIO()).read()))
    sights = eye.see(images)
    again = eye.see(images[::-1])[::-1]
    for one, other, image in zip(sights, again, images, strict=True):
        assert float(one.vector @ other.vector) > 0.9999
        assert one.mask.shape == (image.height, image.width)
