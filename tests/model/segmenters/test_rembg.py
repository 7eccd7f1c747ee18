"""Masks really go through rembg, and say so when there is nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from Model.errors import CardInvalid, ChecksumMismatch, ProbeMismatch
from Model.probe import make_probe, probe_picture, vector_of_mask
from Model.segmenters.rembg import RembgSegmenter, to_bytes

MakeModel = Callable[..., Path]
STD = 0.229
MEAN = 0.485


@pytest.fixture
def red_and_black() -> Image.Image:
    pixels = np.zeros((100, 150, 3), dtype=np.uint8)
    pixels[:, :75, 0] = 255
    return Image.fromarray(pixels)


def test_the_mask_is_the_networks_probability(make_segmenter: MakeModel, red_and_black: Image.Image) -> None:
    # The network undoes rembg's normalisation of the red channel: its output is red, 0..1.
    segmenter = RembgSegmenter(make_segmenter(STD, MEAN), threads=1)
    (mask,) = segmenter.masks([red_and_black])
    assert mask.shape == (100, 150)
    assert mask.dtype == np.uint8
    assert mask[50, 30] == 255
    assert mask[50, 120] == 0


def test_a_faint_answer_is_not_stretched_to_a_garment(make_segmenter: MakeModel, red_and_black: Image.Image) -> None:
    segmenter = RembgSegmenter(make_segmenter(STD * 0.1, MEAN * 0.1), threads=1)
    (mask,) = segmenter.masks([red_and_black])
    assert mask.max() <= 27


def test_rembgs_own_networks_are_stretched(make_segmenter: MakeModel, red_and_black: Image.Image) -> None:
    segmenter = RembgSegmenter(make_segmenter(STD * 0.1, 3.0, stretch=True), threads=1)
    (mask,) = segmenter.masks([red_and_black])
    assert (mask[50, 30], mask[50, 120]) == (255, 0)


@pytest.mark.parametrize("stretch", [True, False])
def test_a_flat_or_broken_output_is_background(make_segmenter: MakeModel, stretch: bool) -> None:
    for scale, shift in ((0.0, 0.0), (0.0, float("nan"))):
        segmenter = RembgSegmenter(make_segmenter(scale, shift, name=f"flat{shift}", stretch=stretch), threads=1)
        for image in (Image.new("RGB", (64, 48)), Image.new("RGB", (64, 48), (255, 255, 255))):
            (mask,) = segmenter.masks([image])
            assert not mask.any()


def test_bytes_equal_a_slow_recomputation() -> None:
    values = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    low, high = values.min(), values.max()
    for row, line in zip(values, to_bytes(values, probability=False), strict=True):
        for value, byte in zip(row, line, strict=True):
            assert byte == int((value - low) / (high - low) * 255 + 0.5)
    assert to_bytes(np.array([-1, 0.5, 2, np.nan, np.inf]), probability=True).tolist() == [0, 128, 255, 0, 0]


def test_what_does_not_fit_is_refused(make_segmenter: MakeModel, make_encoder: MakeModel) -> None:
    with pytest.raises(CardInvalid, match="320"):
        RembgSegmenter(make_segmenter(1, 0, name="small", input_size=(64, 64)), threads=1)
    with pytest.raises(CardInvalid, match="kind encoder"):
        RembgSegmenter(make_encoder(), threads=1)
    folder = make_segmenter(1, 0)
    (folder / "model.onnx").write_bytes(b"other")
    with pytest.raises(ChecksumMismatch):
        RembgSegmenter(folder, threads=1)


def test_the_probe_is_checked(make_segmenter: MakeModel) -> None:
    picture = np.asarray(probe_picture(7, (320, 320)), dtype=np.float32)
    red = picture[..., 0] / picture.max()
    good = make_probe(7, vector_of_mask(red))
    RembgSegmenter(make_segmenter(STD, MEAN, name="good", probe=good), threads=1)
    with pytest.raises(ProbeMismatch):
        bad = make_probe(7, vector_of_mask(1 - red))
        RembgSegmenter(make_segmenter(STD, MEAN, name="bad", probe=bad), threads=1)
