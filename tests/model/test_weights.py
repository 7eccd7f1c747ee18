"""Model folders are found, and replaced in one step."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from Model.card import Card, sha256_hex
from Model.errors import ChecksumMismatch, ModelNotFound
from Model.weights import SHIPPED, find_model, list_models, publish

CARD = {"format": 1, "name": "x", "kind": "encoder"}


def card_of(data: bytes) -> Card:
    return Card.model_validate({**CARD, "sha256": sha256_hex(data)})


def test_a_shops_own_model_comes_first(tmp_path: Path, make_encoder: Callable[..., Path]) -> None:
    folder = make_encoder("resnet34")
    assert find_model("resnet34", tmp_path / "models") == folder
    assert find_model("resnet34") == SHIPPED / "resnet34"
    assert list_models(tmp_path / "models")["resnet34"] == folder


@pytest.mark.parametrize("name", ["nothing", "", ".", "..", "../weights/resnet34", "/etc"])
def test_an_unknown_name_lists_what_there_is(tmp_path: Path, make_encoder: Callable[..., Path], name: str) -> None:
    make_encoder("mine")
    with pytest.raises(ModelNotFound, match="mine"):
        find_model(name, tmp_path / "models")


def test_publish_never_shows_a_mixture(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    for data in (b"first", b"second", b"third"):
        written = publish(card_of(data), data, folder)
        assert Card.load(folder) == written
        assert written.read_model(folder) == data
    assert sorted(path.read_bytes() for path in folder.glob("*.onnx")) == [b"second", b"third"]
    assert not list(folder.glob(".*tmp"))
    with pytest.raises(ChecksumMismatch):
        publish(card_of(b"third"), b"other", folder)
    assert Card.load(folder).read_model(folder) == b"third"
    (folder / "card.json").write_text("{")
    assert publish(card_of(b"fourth"), b"fourth", folder) == Card.load(folder), "a broken card can be replaced"


def test_the_shipped_weights_are_whole_and_small() -> None:
    total = 0
    for folder in list_models().values():
        card = Card.load(folder)
        total += len(card.read_model(folder))
        assert card.licence or card.source
    assert total < 30_000_000


def test_the_shipped_weights_do_not_say_where_they_were_made() -> None:
    for folder in list_models().values():
        content = Card.load(folder).read_model(folder)
        # torch's exporter notes the source file of every node, with its folders.
        assert not re.findall(rb"[\w./-]{5,}\.py\b|site-packages", content), folder.name
