"""The classifier's training on made-up vectors: what it learns, refuses, and leaves alone."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from Model.classifier import Classifier  # noqa: E402
from Model.errors import CheckpointInvalid, LabelsInvalid, SplitInvalid, TrainingError  # noqa: E402
from Model.training import train_classifier as module  # noqa: E402
from Model.training.examples import Example, Features, check_labels, embed_examples, read_examples  # noqa: E402
from Model.training.mlp import FitOptions, Mlp, best_temperature, class_weights, doubt_threshold, fit, softmax  # noqa: E402
from Model.training.train_classifier import (  # noqa: E402
    Source,
    publish_classifier,
    split_features,
    train_on_features,
)

pytestmark = pytest.mark.torch

DIM = 16
QUICK = FitOptions(epochs=30, batch=32, rate=3e-3)


def clusters(per_class: int = 40, classes: int = 3, seed: int = 0, split: bool = False) -> Features:
    """Return unit vectors around one centre per class, four to a group."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((classes, DIM))
    labels = np.repeat(np.arange(classes), per_class)
    vectors = centres[labels] + 0.4 * random.standard_normal((len(labels), DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    groups = [f"g{at // 4}" for at in range(len(labels))]
    splits = ["val" if (at // 4) % 5 == 0 else "train" for at in range(len(labels))] if split else [""] * len(labels)
    return Features(vectors.astype(np.float32), [f"class {n}" for n in labels], groups, splits)


class ColourEmbedder:
    """Stands in for the eye: a picture's mean colour, as a unit vector."""

    embedder_id = "colour"

    def __init__(self) -> None:
        self.calls = 0

    def see(self, images: Sequence[Image.Image]) -> list[ColourSight]:
        self.calls += 1
        return [ColourSight(image) for image in images]


class ColourSight:
    """What the stand-in sees."""

    def __init__(self, image: Image.Image) -> None:
        colour = np.asarray(image.resize((4, 4)), dtype=np.float32).reshape(-1)[: 3 * 5] + 1
        self.vector = (colour / np.linalg.norm(colour)).astype(np.float32)


@pytest.fixture
def folder_per_class(tmp_path: Path) -> Path:
    """Return a folder with a dozen red and a dozen blue pictures."""
    random = np.random.default_rng(0)
    for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for at in range(12):
            noise = random.integers(-20, 20, (8, 8, 3))
            picture = Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8))
            picture.save(tmp_path / "pictures" / name / f"{at}.png")
    return tmp_path / "pictures"


def test_it_learns_and_is_served(tmp_path: Path) -> None:
    trained = train_on_features(clusters(), QUICK)
    assert trained.metrics["accuracy"] > 0.95
    card = publish_classifier(trained, tmp_path / "classifier", Source(licence="MIT", source="a test"))
    served = Classifier.load(tmp_path / "classifier", dim=DIM)
    features = clusters(seed=0)
    best = served.probabilities(features.vectors).argmax(axis=1)
    assert np.mean([served.labels[at] == label for at, label in zip(best, features.labels, strict=True)]) > 0.9
    assert card.metrics["accuracy"] == round(trained.metrics["accuracy"], 4)
    rows = list(csv.reader((tmp_path / "classifier" / "confusion.csv").read_text().splitlines()))
    assert rows[0][1:] == list(trained.labels)
    assert sum(int(cell) for row in rows[1:] for cell in row[1:]) == len(trained.truth)


def test_no_group_is_on_both_sides() -> None:
    features = clusters()
    train, held = split_features(features, seed=3)
    groups = np.array(features.groups)
    assert not set(groups[train]) & set(groups[held])
    assert set(np.array(features.labels)[held]) == set(features.labels)


def test_a_given_split_counts_and_must_not_share_a_group() -> None:
    features = clusters(split=True)
    _, held = split_features(features, seed=3)
    assert [features.splits[at] for at in held] == ["val"] * len(held)
    broken = Features(features.vectors, features.labels, ["one group"] * len(features.labels), features.splits)
    with pytest.raises(SplitInvalid, match="both sides"):
        split_features(broken, seed=3)
    with pytest.raises(SplitInvalid, match="empty"):
        split_features(Features(features.vectors, features.labels, features.groups, ["train"] * 120), seed=3)


def test_labels_that_cannot_be_learned_are_refused_in_one_sentence() -> None:
    with pytest.raises(LabelsInvalid, match="only one picture"):
        check_labels(["dress", "dress", "kimono"])
    with pytest.raises(LabelsInvalid, match="only one label"):
        check_labels(["dress", "dress"])
    with pytest.raises(LabelsInvalid, match="'kimono' is not a class of the model"):
        check_labels(["dress", "dress", "kimono", "kimono"], known=["dress", "hat"])


def test_the_whole_command_and_its_unreadable_pictures(folder_per_class: Path, tmp_path: Path) -> None:
    (folder_per_class / "red" / "broken.jpg").write_bytes(b"no picture")
    embedder = ColourEmbedder()
    card = module.train_classifier(folder_per_class, tmp_path / "classifier", embedder, QUICK)
    assert card.labels == ("blue", "red")
    assert card.metrics["accuracy"] == 1.0
    again = module.train_classifier(folder_per_class, tmp_path / "classifier", embedder, QUICK, further=True)
    assert again.labels == card.labels
    assert embedder.calls == 1  # features are kept
    (folder_per_class / "green").mkdir()
    for at in range(2):
        Image.new("RGB", (8, 8), "green").save(folder_per_class / "green" / f"{at}.png")
    before = (tmp_path / "classifier" / "card.json").read_bytes()
    with pytest.raises(LabelsInvalid, match="'green' is not a class"):
        module.train_classifier(folder_per_class, tmp_path / "classifier", embedder, QUICK, further=True)
    assert (tmp_path / "classifier" / "card.json").read_bytes() == before


def test_no_readable_picture_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="does not exist"):
        read_examples(tmp_path / "nowhere")
    examples = [Example(tmp_path / f"{at}.jpg", f"label {at % 2}", str(at)) for at in range(4)]
    with pytest.raises(TrainingError, match="None of the 4 pictures"):
        embed_examples(examples, lambda images: np.zeros((len(images), DIM), np.float32), "x")


def test_too_few_pictures_to_split_are_told() -> None:
    few = clusters()
    rows = [0, 1, 40, 41, 80, 81]  # two pictures of each class
    features = Features(few.vectors[rows], [few.labels[at] for at in rows], [f"g{at}" for at in rows], [""] * 6)
    with pytest.raises(SplitInvalid, match="at least five pictures"):
        split_features(features, seed=3)


def test_a_manifest_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_bytes("image,label\na.jpg,Bl\u00fcse\n".encode("latin-1"))
    with pytest.raises(TrainingError, match="UTF-8"):
        read_examples(manifest)


def test_a_damaged_cache_is_made_again(folder_per_class: Path, tmp_path: Path) -> None:
    examples = read_examples(folder_per_class)
    embedder = ColourEmbedder()

    def embed(images: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        return np.stack([sight.vector for sight in embedder.see(images)])

    whole = embed_examples(examples, embed, "x", tmp_path / "features.npz")
    content = (tmp_path / "features.npz").read_bytes()
    for damaged in (content[: len(content) // 2], content[:2], b""):
        (tmp_path / "features.npz").write_bytes(damaged)
        again = embed_examples(examples, embed, "x", tmp_path / "features.npz")
        assert np.array_equal(again.vectors, whole.vectors)


def test_epochs_are_those_that_were_run() -> None:
    features = clusters()
    truth = np.array([int(label[-1]) for label in features.labels])
    run: list[int] = []
    options = FitOptions(epochs=60, rate=0.0, slow_after=1, stop_after=3)
    data = (features.vectors, truth)
    report = fit(Mlp(DIM, 3), data, data, options, on_epoch=lambda _, epoch: run.append(epoch))
    assert report["epochs"] == len(run) < 60


def test_a_manifest_is_read_with_its_groups_and_split(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(
        "image,label,group,split\na.jpg,dress,p1,train\nb.jpg,dress,p2,val\nc.jpg,hat,,\nd.jpg,hat,p4,train\n"
    )
    examples = read_examples(manifest)
    assert examples[0] == Example(tmp_path / "a.jpg", "dress", "p1", "train")
    assert examples[2].group == "c.jpg"
    manifest.write_text("picture,class\na.jpg,dress\n")
    with pytest.raises(TrainingError, match="no columns named image and label"):
        read_examples(manifest)


def test_ctrl_c_goes_on_from_the_checkpoint(
    folder_per_class: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = tmp_path / "classifier"
    module.train_classifier(folder_per_class, served, ColourEmbedder(), QUICK)
    before = (served / "card.json").read_bytes()
    longer = FitOptions(epochs=40, batch=32, rate=3e-3, stop_after=100)
    real, epochs = module.write_atomically, []

    def interrupt(path: Path, content: bytes) -> None:
        real(path, content)
        if path.name == module.CHECKPOINT:
            epochs.append(path)
            if len(epochs) == 2:
                raise KeyboardInterrupt

    monkeypatch.setattr(module, "write_atomically", interrupt)
    with pytest.raises(KeyboardInterrupt):
        module.train_classifier(folder_per_class, served, ColourEmbedder(), longer)
    assert (served / "card.json").read_bytes() == before
    epochs.clear()
    monkeypatch.setattr(module, "write_atomically", lambda path, content: (epochs.append(path), real(path, content))[1])
    card = module.train_classifier(folder_per_class, served, ColourEmbedder(), longer)
    checkpoints = [path for path in epochs if path.name == module.CHECKPOINT]
    assert len(checkpoints) == (40 - 10) // 5  # ten epochs had been done before the break
    assert card.metrics["epochs"] == 40


def test_other_labels_start_anew(folder_per_class: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint of the same number of pictures under other labels would count the classes in another order."""
    manifest = tmp_path / "manifest.csv"
    pictures = sorted(folder_per_class.glob("*/*"))

    def write(names: dict[str, str]) -> None:
        rows = [f"{picture},{names[picture.parent.name]}\n" for picture in pictures]
        manifest.write_text("image,label\n" + "".join(rows), encoding="utf-8")

    real = module.write_atomically

    def interrupt(path: Path, content: bytes) -> None:
        real(path, content)
        if path.name == module.CHECKPOINT:
            raise KeyboardInterrupt

    write({"red": "a", "blue": "b"})
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_atomically", interrupt)
        with pytest.raises(KeyboardInterrupt):
            module.train_classifier(manifest, tmp_path / "classifier", ColourEmbedder(), QUICK)
    write({"red": "b", "blue": "a"})
    card = module.train_classifier(manifest, tmp_path / "classifier", ColourEmbedder(), QUICK)
    assert card.metrics["accuracy"] == 1.0


def test_a_full_disk_leaves_the_served_classifier_alone(
    folder_per_class: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = tmp_path / "classifier"
    module.train_classifier(folder_per_class, served, ColourEmbedder(), QUICK)
    before = {path.name: path.stat().st_mtime_ns for path in served.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "publish", full)
    with pytest.raises(TrainingError, match="No space left on device"):
        module.train_classifier(folder_per_class, served, ColourEmbedder(), QUICK)
    assert {path.name: path.stat().st_mtime_ns for path in served.iterdir()} == before
    assert Classifier.load(served, dim=15).labels == ("blue", "red")


def test_a_foreign_checkpoint_is_refused() -> None:
    features = clusters()
    truth = np.array([int(label[-1]) for label in features.labels])
    data = (features.vectors, truth)
    with pytest.raises(CheckpointInvalid, match="delete it"):
        fit(Mlp(DIM, 3), data, data, QUICK, resume=b"not a checkpoint")


def test_patience_must_be_longer_than_the_schedulers() -> None:
    with pytest.raises(ValueError, match="stop_after"):
        FitOptions(stop_after=3, slow_after=5)


def test_class_weights_have_mean_one_over_the_pictures() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    weights = class_weights(labels, 2, balance=1.0).numpy()
    assert weights[labels].mean() == pytest.approx(1.0)
    assert weights[1] == pytest.approx(9 * weights[0])
    assert class_weights(labels, 2, balance=0.0).numpy() == pytest.approx([1.0, 1.0])


def test_the_temperature_is_the_one_with_the_least_log_loss() -> None:
    random = np.random.default_rng(0)
    honest = random.standard_normal((4000, 5)).astype(np.float32)
    drawn = random.random((4000, 1))
    truth = (softmax(honest).cumsum(axis=1) < drawn).sum(axis=1).clip(max=4)
    assert best_temperature(honest * 3, truth) == pytest.approx(3.0, rel=0.15)


def test_doubt_starts_where_answers_are_wrong_more_often_than_right() -> None:
    confidence = np.array([0.4, 0.45, 0.5, 0.7, 0.9], dtype=np.float32)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    probabilities[:3] = np.stack([confidence[:3], np.full(3, 0.1)], axis=1)
    assert doubt_threshold(probabilities, np.array([1, 1, 0, 0, 0])) == pytest.approx(0.45)
    assert doubt_threshold(probabilities, np.array([0, 0, 0, 0, 0])) == 0.0
