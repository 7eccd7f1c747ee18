"""A card says what it must, and nothing impossible."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from Model.card import Card, sha256_hex
from Model.errors import CardInvalid, ChecksumMismatch, ModelNotFound
from Model.probe import make_probe, probe_picture, vector_of_mask

GOOD = {"format": 1, "name": "x", "kind": "encoder", "sha256": "ab" * 32}


def write(folder: Path, **fields: object) -> Path:
    (folder / "card.json").write_text(json.dumps({**GOOD, **fields}))
    return folder


def test_a_card_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    probe = make_probe(3, np.random.default_rng(0).normal(size=512).astype(np.float32))
    match = {"kind": "logistic", "a": 20.0, "b": -15.0, "bands": {"same": 0.9, "similar": 0.4}}
    card = Card.model_validate({**GOOD, "probe": probe, "match": match, "metrics": {"accuracy": 0.9}})
    card.save(tmp_path)
    assert Card.load(tmp_path) == card
    assert np.linalg.norm(card.probe.vector if card.probe else 0) == pytest.approx(1, abs=1e-3)


def test_every_field_is_documented(repository: Path) -> None:
    text = (repository / "docs" / "formats.md").read_text(encoding="utf-8")
    section = text.partition("## Weights: `card.json`")[2].partition("\n## ")[0]
    rows = "".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", rows)) == set(Card.model_fields)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"format": 2}, "format"),
        ({"kind": "poet"}, "kind"),
        ({"sha256": "AB"}, "sha256"),
        ({"file": "../model.onnx"}, "file"),
        ({"input_size": [0, 224]}, "input_size"),
        ({"std": [0.0, 1.0, 1.0]}, "std"),
        ({"temperature": 0}, "temperature"),
        ({"surprise": 1}, "surprise"),
        ({"kind": "classifier"}, "two labels"),
        ({"kind": "classifier", "labels": ["a", "a"]}, "differ"),
        ({"probe": {"seed": 1, "vector_fp16_b64": "!", "min_cosine": 0.9}}, "base64"),
        ({"probe": {"seed": 1, "vector_fp16_b64": "AAA=", "min_cosine": 0.9}}, "unit vector"),
        ({"match": {"kind": "logistic", "a": 1, "b": 0, "bands": {"same": 0.1, "similar": 0.5}}}, "similar"),
        ({"pad_color": [256, 0, 0]}, "pad_color"),
    ],
)
def test_an_impossible_card_says_which_field(tmp_path: Path, fields: dict[str, object], word: str) -> None:
    with pytest.raises(CardInvalid, match=word):
        Card.load(write(tmp_path, **fields))


def test_missing_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        Card.load(tmp_path)
    (tmp_path / "card.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(CardInvalid):
        Card.load(tmp_path)


def test_the_model_file_is_compared_with_its_card(tmp_path: Path) -> None:
    card = Card.load(write(tmp_path, sha256=sha256_hex(b"right")))
    with pytest.raises(ModelNotFound):
        card.read_model(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"wrong")
    with pytest.raises(ChecksumMismatch):
        card.read_model(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"right")
    assert card.read_model(tmp_path) == b"right"


def test_the_probe_picture_is_the_same_everywhere() -> None:
    first = np.asarray(probe_picture(7, (224, 200)))
    assert first.shape == (224, 200, 3)
    assert np.array_equal(first, np.asarray(probe_picture(7, (224, 200))))
    assert not np.array_equal(first, np.asarray(probe_picture(8, (224, 200))))


def test_a_mask_becomes_its_means() -> None:
    mask = np.random.default_rng(0).random((32, 64)).astype(np.float32)
    slow = np.array([mask[2 * r : 2 * r + 2, 4 * c : 4 * c + 4].mean() for r in range(16) for c in range(16)])
    np.testing.assert_allclose(vector_of_mask(mask), slow / np.linalg.norm(slow), rtol=1e-5)
