"""Fetching without a network, or of what nobody publishes, fails with one sentence and leaves nothing behind."""

from pathlib import Path

import pytest

from Model.card import Card
from Model.errors import DownloadFailed, UnknownName
from Model.training import fetch as fetching
from Model.training.fetch import Published, fetch, names


def test_an_unknown_name_lists_the_choices(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="imagenet-resnet34"):
        fetch("resnet9000", tmp_path)
    assert "u2netp" in names()


@pytest.mark.parametrize("error", [ConnectionError("no route\nto host"), RuntimeError("wrong hash"), OSError()])
def test_no_network_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(name: str) -> bytes:
        raise error

    monkeypatch.setitem(fetching._PUBLISHED, "u2netp", Published("rembg", "Apache-2.0", fail, "segmenter"))
    with pytest.raises(DownloadFailed, match="connect this machine to the network") as caught:
        fetch("u2netp", tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "u2netp").exists()


def test_what_was_fetched_gets_a_card_and_a_probe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_encoder: bytes
) -> None:
    made = Published("somebody", "BSD-3-Clause", lambda _: tiny_encoder, "encoder", 4)
    monkeypatch.setitem(fetching._PUBLISHED, "imagenet-resnet34", made)
    folder = fetch("imagenet-resnet34", tmp_path)
    card = Card.load(folder)
    assert (card.dim, card.licence) == (4, "BSD-3-Clause")
    assert card.probe is not None
    assert card.read_model(folder) == tiny_encoder


@pytest.fixture
def tiny_encoder() -> bytes:
    """Return an ONNX network of four numbers per picture: its mean colour and their sum."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["image"], ["pool"]),
            helper.make_node("Flatten", ["pool"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weight"], ["embedding"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 224, 224])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(np.eye(3, 4, dtype=np.float32), "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())
