"""Which way up a garment lies: against the turns that pictures were given, and the sums written out."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pydantic import ValidationError

from Model.card import Card, Turns
from Model.embedder import Embedder
from Model.encoders.base import Vectors
from Model.upright import in_doubt, log_probabilities, upright_view

MakeModel = Callable[..., Path]
RNG = np.random.default_rng(3)


def make_turns(weights: np.ndarray, doubt: float = 0.5, reluctance: float = 0.0) -> Turns:
    encoded = base64.b64encode(weights.astype("<f2").tobytes()).decode()
    return Turns(weights_fp16_b64=encoded, bias=(0.1, 0.2, 0.3, -0.1), doubt=doubt, reluctance=reluctance)


def slow_log(turns: Turns, vector: np.ndarray) -> list[float]:
    logits = [sum(float(w) * float(v) for w, v in zip(row, vector, strict=True)) for row in turns.weights]
    logits = [logit + bias for logit, bias in zip(logits, turns.bias, strict=True)]
    total = sum(math.exp(logit) for logit in logits)
    return [math.log(math.exp(logit) / total) for logit in logits]


def test_probabilities_and_the_joint_decision_equal_a_slow_sum() -> None:
    turns = make_turns(RNG.normal(size=(4, 6)) * 2, doubt=0.4, reluctance=0.3)
    views = RNG.normal(size=(50, 3, 6)).astype(np.float32)
    chosen, doubted = upright_view(turns, views), in_doubt(turns, views[:, 0])
    for picture, view, doubt in zip(views, chosen, doubted, strict=True):
        as_it_is, left, right = (slow_log(turns, vector) for vector in picture)
        np.testing.assert_allclose(log_probabilities(turns, picture), [as_it_is, left, right], atol=1e-4)
        assert doubt == (math.exp(as_it_is[0]) < 0.4)
        scores = [
            # upright; the one turned left lies on its left, the other on its right
            (as_it_is[0] + left[1] + right[3]) / 3 + 0.3,
            # the one turned left is upright, so it lay on its right, and turned right it is upside down
            (as_it_is[3] + left[0] + right[2]) / 3,
            (as_it_is[1] + left[2] + right[0]) / 3,
        ]
        assert view == int(np.argmax(scores))
    assert 0 < doubted.sum() < len(doubted)
    assert set(chosen.tolist()) == {0, 1, 2}


def test_turns_compare_by_value_after_use() -> None:
    turns = make_turns(np.eye(4))
    in_doubt(turns, np.eye(4, dtype=np.float32))
    assert turns == Turns.model_validate(turns.model_dump())
    assert turns != make_turns(np.eye(4) * 2)


def test_a_card_with_another_matrix_is_refused(make_encoder: MakeModel) -> None:
    with pytest.raises(ValidationError, match="4 x dim"):
        make_encoder("wide", dim=8, turns=make_turns(np.ones((4, 6))))
    with pytest.raises(ValidationError, match="base64 of four rows"):
        Turns(weights_fp16_b64="AAAA", bias=(0, 0, 0, 0), doubt=0.5, reluctance=0)
    with pytest.raises(ValidationError, match="finite"):
        make_turns(np.full((4, 6), np.nan))


class Corners:
    """An encoder that sees how bright the four sides of a picture are: left, bottom, right, top."""

    def __init__(self, turns: Turns | None) -> None:
        self.card = Card.model_validate(
            {"format": 1, "name": "x", "kind": "encoder", "sha256": "0" * 64, "dim": 4, "framing": "garment"}
        ).model_copy(update={"turns": turns})
        self.calls: list[int] = []

    def embed(self, images: list[Image.Image]) -> Vectors:
        self.calls.append(len(images))
        grey = [np.asarray(image.convert("L").resize((32, 32)), dtype=np.float32) for image in images]
        sides = [[each[:, :8].mean(), each[-8:].mean(), each[:, -8:].mean(), each[:8].mean()] for each in grey]
        return np.array([np.array(each) / np.linalg.norm(each) for each in sides], dtype=np.float32)


class WholePicture:
    """Takes everything for the garment."""

    identity = "all"
    file = None
    min_coverage = 0.0

    def masks(self, images: list[Image.Image]) -> list[np.ndarray[Any, Any]]:
        return [np.full((image.height, image.width), 255, dtype=np.uint8) for image in images]


def garment() -> Image.Image:
    """Return a picture that is bright at its top, on a ground that is not plain."""
    image = Image.fromarray(RNG.integers(20, 60, (64, 64, 3), dtype=np.uint8))
    ImageDraw.Draw(image).rectangle((0, 0, 63, 15), fill=(250, 240, 245))
    return image


def test_a_garment_on_its_side_is_seen_upright() -> None:
    # turned to the left by a quarter, what was the top is the left side, then the bottom, then the right side
    turns = make_turns(20 * np.roll(np.eye(4), 3, axis=1))
    encoder = Corners(turns)
    eye = Embedder(encoder, WholePicture(), None)  # type: ignore[arg-type]
    upright = garment()
    ways = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_180)
    left, right, over = (upright.transpose(way) for way in ways)
    seen = eye.see([upright, left, right, over])
    assert encoder.calls == [4, 6], "only the three that are in doubt are turned, to both sides"
    for sight in seen[1:3]:
        np.testing.assert_allclose(sight.vector, seen[0].vector, atol=1e-3)
    plain = Embedder(Corners(None), WholePicture(), None)  # type: ignore[arg-type]
    assert float(plain.see([left])[0].vector @ seen[0].vector) < 0.8
    assert plain.embedder_id != eye.embedder_id
