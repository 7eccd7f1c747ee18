"""Probabilities are right, and a new classifier is taken over while the old one serves."""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from Model.card import Card
from Model.classifier import Classifier, softmax
from Model.errors import CardInvalid
from Model.session import Session
from Model.weights import find_model, publish

MakeModel = Callable[..., Path]
RNG = np.random.default_rng(5)
WEIGHT = RNG.normal(size=(6, 3)).astype(np.float32)


def _unknown_operator() -> bytes:
    value = helper.make_tensor_value_info
    nodes = [helper.make_node("NoSuchThing", ["flat"], ["output"])]
    graph = helper.make_graph(
        nodes, "x", [value("flat", TensorProto.FLOAT, [1])], [value("output", TensorProto.FLOAT, [1])]
    )
    data: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    ).SerializeToString()
    return data


def test_probabilities_equal_a_slow_softmax(make_classifier: MakeModel) -> None:
    classifier = Classifier.load(make_classifier(WEIGHT, ("a", "b", "c"), temperature=1.7))
    vectors = RNG.normal(size=(4, 6)).astype(np.float32)
    for vector, row in zip(vectors, classifier.probabilities(vectors), strict=True):
        logits = [sum(float(vector[i]) * float(WEIGHT[i, j]) for i in range(6)) / 1.7 for j in range(3)]
        slow = np.exp(logits) / np.exp(logits).sum()
        np.testing.assert_allclose(row, slow, rtol=1e-4)
    assert classifier.labels == ("a", "b", "c")


def test_softmax_of_huge_logits_is_finite() -> None:
    np.testing.assert_allclose(softmax(np.array([[1e4, 0.0]], dtype=np.float32)), [[1, 0]])


def test_a_classifier_of_other_vectors_is_refused(make_classifier: MakeModel) -> None:
    with pytest.raises(CardInvalid, match="6-d"):
        Classifier.load(make_classifier(WEIGHT, ("a", "b", "c")), dim=512)
    with pytest.raises(CardInvalid, match="labels"):
        Classifier.load(make_classifier(WEIGHT, ("a", "b")))


def test_hot_swap(make_classifier: MakeModel, tmp_path: Path) -> None:
    folder = make_classifier(WEIGHT, ("a", "b", "c"))
    classifier = Classifier.load(folder)
    assert not classifier.reload_if_changed()
    other = make_classifier(WEIGHT[:, :2], ("x", "y"), folder=tmp_path / "other")
    publish(Card.load(other), (other / "model.onnx").read_bytes(), folder)
    assert classifier.reload_if_changed()
    assert classifier.labels == ("x", "y")
    assert classifier.probabilities(np.ones((1, 6), dtype=np.float32)).shape == (1, 2)


def test_a_broken_new_one_leaves_the_old_one_serving(make_classifier: MakeModel) -> None:
    folder = make_classifier(WEIGHT, ("a", "b", "c"))
    classifier = Classifier.load(folder)
    before = classifier.probabilities(np.ones((1, 6), dtype=np.float32))
    good = (folder / "card.json").read_text()
    for bad in ("{", good.replace('"sha256": "', '"sha256": "00')[:-1], good.replace('"classifier"', '"encoder"')):
        (folder / "card.json").write_text(bad)
        assert not classifier.reload_if_changed()
        assert not classifier.reload_if_changed(), "the same broken files are not read again"
    (folder / "card.json").write_text(good.replace('"dim": 6', '"dim": 7'))  # ONNX Runtime refuses to compute it
    assert not classifier.reload_if_changed()
    (folder / "card.json").unlink()
    assert not classifier.reload_if_changed()
    np.testing.assert_array_equal(classifier.probabilities(np.ones((1, 6), dtype=np.float32)), before)
    (folder / "card.json").write_text(good)
    assert classifier.reload_if_changed(), "and a mended one is taken"


def test_a_folder_that_is_gone_leaves_the_old_one_serving(make_classifier: MakeModel, tmp_path: Path) -> None:
    folder = make_classifier(WEIGHT, ("a", "b", "c"), folder=tmp_path / "models" / "mine")
    classifier = Classifier.load(folder, find=lambda: find_model("mine", tmp_path / "models"))
    (folder / "card.json").rename(folder / "card.away")
    assert not classifier.reload_if_changed()
    assert classifier.probabilities(np.ones((1, 6), dtype=np.float32)).shape == (1, 3)
    (folder / "card.away").rename(folder / "card.json")
    (folder / "card.json").write_text((folder / "card.json").read_text().replace('"c"', '"d"'))
    assert classifier.reload_if_changed() and classifier.labels == ("a", "b", "d")


@pytest.mark.parametrize("data", [b"", b"not ONNX", _unknown_operator()], ids=["empty", "text", "operator"])
def test_a_file_that_onnx_runtime_refuses_is_a_card_invalid(data: bytes) -> None:
    with pytest.raises(CardInvalid, match="export it again"):
        Session(data, "flat", threads=1)


def test_labels_and_probabilities_stay_together(make_classifier: MakeModel, tmp_path: Path) -> None:
    folder = make_classifier(WEIGHT, ("a", "b", "c"))
    other = make_classifier(WEIGHT[:, :2], ("x", "y"), folder=tmp_path / "other")
    models = [(Card.load(each), (each / "model.onnx").read_bytes()) for each in (folder, other)]
    classifier = Classifier.load(folder)
    stop = threading.Event()
    wrong: list[object] = []

    def ask() -> None:
        while not stop.is_set():
            card, rows = classifier.labelled_probabilities(np.ones((1, 6), dtype=np.float32))
            if rows.shape[1] != len(card.labels):
                wrong.append((card.labels, rows.shape))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(12):
        publish(*models[(turn + 1) % 2], folder)
        assert classifier.reload_if_changed()
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
