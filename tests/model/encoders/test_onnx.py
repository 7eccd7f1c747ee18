"""An encoder gives unit vectors, the same as NumPy computes them, and checks its probe."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from Model.card import Card
from Model.encoders import load_encoder
from Model.encoders.onnx import OnnxEncoder
from Model.errors import CardInvalid, ProbeMismatch
from Model.preprocess import to_batch
from Model.probe import make_probe, probe_picture

MakeModel = Callable[..., Path]


def reference(images: list[Image.Image], card: Card, seed: int = 0) -> np.ndarray:
    """Return mean colour times matrix, of unit length, in plain NumPy."""
    weight = np.random.default_rng(seed).normal(size=(3, card.dim))
    raw = to_batch(images, card).astype(np.float64).mean(axis=(2, 3)) @ weight
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def pictures(count: int) -> list[Image.Image]:
    rng = np.random.default_rng(9)
    return [Image.fromarray(rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)) for _ in range(count)]


def test_vectors_equal_numpy(make_encoder: MakeModel) -> None:
    encoder = OnnxEncoder(make_encoder(), threads=1)
    images = pictures(70)  # more than two batches
    vectors = encoder.embed(images)
    assert vectors.shape == (70, 8)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, reference(images, encoder.card), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert encoder.embed([]).shape == (0, 8)


def test_any_folder_of_that_kind_is_an_encoder(make_encoder: MakeModel, tmp_path: Path) -> None:
    make_encoder("my-own", dim=5)
    assert load_encoder("my-own", tmp_path / "models", 1).embed(pictures(1)).shape == (1, 5)


def test_the_probe_decides(make_encoder: MakeModel) -> None:
    card = Card.load(make_encoder())
    vector = reference([probe_picture(7, card.input_size)], card)[0].astype(np.float32)
    OnnxEncoder(make_encoder("good", probe=make_probe(7, vector)), threads=1)
    with pytest.raises(ProbeMismatch, match="cosine -1"):
        OnnxEncoder(make_encoder("bad", probe=make_probe(7, -vector)), threads=1)


def test_a_wrong_card_is_told(make_encoder: MakeModel, make_segmenter: MakeModel) -> None:
    with pytest.raises(CardInvalid, match="dim"):
        OnnxEncoder(make_encoder("wide", dim=8, card_dim=16), threads=1).embed(pictures(1))
    with pytest.raises(CardInvalid, match="input_name"):
        OnnxEncoder(make_encoder("named", input_name="image"), threads=1)
    with pytest.raises(CardInvalid, match="kind segmenter"):
        OnnxEncoder(make_segmenter(1, 0), threads=1)


def test_threads_get_their_own_answers(make_encoder: MakeModel) -> None:
    encoder = OnnxEncoder(make_encoder(), threads=2)
    images = pictures(32)
    expected = encoder.embed(images)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda image: encoder.embed([image])[0], images))
    np.testing.assert_allclose(np.stack(got), expected, atol=1e-5)
