"""A few steps of every training, on drawn sets: the chain from tars to served folders, and what survives a break."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from Model.card import Card  # noqa: E402
from Model.classifier import Classifier  # noqa: E402
from Model.encoders import load_encoder  # noqa: E402
from Model.errors import CheckpointInvalid, TrainingError  # noqa: E402
from Model.segmenters import load_segmenter  # noqa: E402
from Model.training.cache import build_cache, build_garments, build_worn  # noqa: E402
from Model.training.datasets import PictureSet, make_vocabulary  # noqa: E402
from Model.training.labels import CLASSES  # noqa: E402
from Model.training.lesson import Lesson, Teachers  # noqa: E402
from Model.training.losses import Objective, Weights  # noqa: E402
from Model.training.publish_encoder import publish_encoder, refit_card  # noqa: E402
from Model.training.shipped_classifier import train_shipped_classifier  # noqa: E402
from Model.training.stage import Stage, make_network  # noqa: E402
from Model.training.train_encoder import train, train_together  # noqa: E402
from Model.training.validate import embed, validate  # noqa: E402

pytestmark = pytest.mark.torch

TINY = Stage(name="teacher", arch="resnet18", size=32, steps=2, mix=(8, 3, 6), warmup=1)


class Middle:
    """A segmenter that takes the middle of every picture for the garment."""

    identity = "middle"
    file = None
    min_coverage = 0.02

    def masks(self, images: Sequence[Image.Image]) -> list[npt.NDArray[np.uint8]]:
        """Return the middle quarter of each picture."""
        masks = [np.zeros((image.height, image.width), np.uint8) for image in images]
        for mask in masks:
            mask[mask.shape[0] // 4 : -mask.shape[0] // 4, mask.shape[1] // 4 : -mask.shape[1] // 4] = 255
        return masks


@pytest.fixture(scope="module")
def cache(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache of the drawn sets."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("chain")
    build_cache(drawn_data, root / "cache")

    build_garments(drawn_data, root / "cache", Middle())
    build_worn(drawn_data, root / "cache", Middle())
    return root / "cache"


@pytest.fixture(scope="module")
def checkpoint(cache: Path) -> Path:
    """Return the checkpoint of a few steps: a tuned teacher, a small student, and the grown one."""
    out = cache.parent / "checkpoints"
    teacher = train(TINY, cache, out)
    student = replace(TINY, name="small", teachers=(str(teacher), str(teacher)), teacher_size=48, passes=2)
    small = train(student, cache, out)
    return train(replace(student, name="deep", arch="resnet34", start=str(small), mix=(4, 2, 3, 4, 3)), cache, out)


def test_the_chain_ends_in_folders_that_the_service_loads(cache: Path, checkpoint: Path, tmp_path: Path) -> None:
    card, check = publish_encoder(checkpoint, cache, tmp_path / "resnet34", 64, load_segmenter("none", None, 1))
    assert check.fp32_difference < 1e-4
    assert card == Card.load(tmp_path / "resnet34")
    assert (card.input_size, card.resize, card.precision) == ((64, 64), "letterbox", "int8")
    assert card.mean == (0.485, 0.456, 0.406)
    encoder = load_encoder("resnet34", tmp_path, threads=1)  # compares the probe
    vectors = encoder.embed([Image.new("RGB", (40, 60), "red"), Image.new("RGB", (60, 40), "blue")])
    assert vectors.shape == (2, 512)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)

    again = refit_card(cache, tmp_path / "resnet34", load_segmenter("none", None, 1))
    assert (again.match, again.turns, again.sha256) == (card.match, card.turns, card.sha256)  # from the same mask
    assert Card.load(tmp_path / "resnet34") == again

    card = train_shipped_classifier(cache, tmp_path / "resnet34", tmp_path / "classifier")
    assert card.labels == CLASSES
    assert {"accuracy_photos_of_unseen_senders", "accuracy_worn_garments"} <= card.metrics.keys()
    assert (tmp_path / "classifier" / "confusion.png").read_bytes().startswith(b"\x89PNG")
    probabilities = Classifier.load(tmp_path / "classifier", dim=512).probabilities(vectors)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-4)


def test_a_stage_that_draws_worn_crops_is_measured_on_them_too(cache: Path, checkpoint: Path) -> None:
    lines = [json.loads(line) for line in checkpoint.with_suffix(".jsonl").read_text().splitlines()]
    assert [line["set"] for line in lines] == ["photos", "worn"]
    assert all(0 <= line[figure] <= 1 for line in lines for figure in ("accuracy", "balanced", "p5"))


@pytest.mark.parametrize("name", ["photos", "worn"])
def test_neighbours_of_other_groups_are_counted_one_by_one(cache: Path, name: str) -> None:
    vocabulary = make_vocabulary(json.loads((cache / "shop.json").read_text()))
    source = PictureSet(cache, name, vocabulary, split="val")
    torch.manual_seed(0)
    network, objective = make_network("resnet18"), Objective(vocabulary.sizes(), len(vocabulary.words), None, Weights())
    found = validate(network, objective, "resnet18", source, 32)["p5"]
    vectors, labels = embed(network, "resnet18", source, 32).numpy(), source.labels["category"]
    hits = []
    for at, record in enumerate(source.records):
        others = [k for k, other in enumerate(source.records) if other["group"] != record["group"] and labels[k] >= 0]
        nearest = sorted(others, key=lambda k: -float(vectors[at] @ vectors[k]))[:5]
        hits += [labels[k] == labels[at] for k in nearest if labels[at] >= 0]
    assert hits and found == pytest.approx(np.mean(hits))


def test_a_grown_network_starts_as_the_smaller_one(cache: Path, checkpoint: Path) -> None:
    from Model.training.resnet import Encoder, grow, resnet_trunk

    smaller = torch.load(checkpoint.parent / "small.pt", weights_only=False)["average"]
    small, deep = Encoder(resnet_trunk("resnet18")), Encoder(resnet_trunk("resnet34"))
    small.load_state_dict(smaller)
    grow(deep, smaller)
    images = torch.rand(2, 3, 64, 64)
    assert torch.allclose(small.eval()(images), deep.eval()(images), atol=1e-5)


@pytest.mark.parametrize(("both", "mixed", "looks"), [(False, 0, 17), (True, 0, 34), (True, 9, 43)])
def test_teachers_look_at_one_view_or_both_or_mixed_ones_too(
    cache: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    both: bool,
    mixed: int,
    looks: int,
) -> None:
    seen = []

    class Watched(Teachers):
        def __call__(self, images: torch.Tensor) -> Lesson:
            seen.append(len(images))
            return super().__call__(images)

    monkeypatch.setattr("Model.training.train_encoder.Teachers", Watched)
    teachers = (str(checkpoint.parent / "teacher.pt"),)
    stage = replace(TINY, name="taught", teachers=teachers, teacher_size=32, teach_both=both, mixed=mixed)
    train(stage, cache, tmp_path)
    assert seen == [looks, looks]


def test_mixed_views_need_teachers_for_all_and_two_views_each() -> None:
    with pytest.raises(ValueError, match="need teachers"):
        Stage(name="x", mixed=1)
    with pytest.raises(ValueError, match="need teachers"):
        Stage(name="x", mixed=1, teachers=("t.pt",))
    with pytest.raises(ValueError, match="5 mixed views cannot be made of 4"):
        Stage(name="x", mixed=5, mix=(2,), teachers=("t.pt",), teach_both=True)


def test_a_tuned_teacher_takes_no_hints() -> None:
    with pytest.raises(ValueError, match="hints = 0"):
        Stage(name="x", arch="mobilenet.tflite", teachers=("t.pt",))


def test_early_layers_can_rest(cache: Path, checkpoint: Path, tmp_path: Path) -> None:
    before = torch.load(checkpoint, weights_only=False)["average"]
    stage = replace(TINY, name="rested", arch="resnet34", start=str(checkpoint), rest="layer1")
    after = torch.load(train(stage, cache, tmp_path), weights_only=False)["network"]
    resting = tuple(f"trunk.{name}" for name in ("conv1", "bn1", "layer1"))
    moved = {name for name, value in after.items() if value.is_floating_point() and not value.equal(before[name])}
    assert not any(name.startswith(resting) for name in moved)
    assert {"trunk.layer2.0.conv1.weight", "trunk.layer2.0.bn1.running_mean", "neck.running_mean"} <= moved


def test_a_result_can_be_moved_back_towards_its_start(cache: Path, checkpoint: Path, tmp_path: Path) -> None:
    stage = replace(TINY, name="there", arch="resnet34", start=str(checkpoint))
    first = torch.load(checkpoint, weights_only=False)
    there = torch.load(train(stage, cache, tmp_path), weights_only=False)
    back = torch.load(train(replace(stage, name="back", back=0.25), cache, tmp_path), weights_only=False)
    assert back["network"].keys() == there["network"].keys()
    moved = 0
    for part in ("average", "average_heads"):
        for name, value in back[part].items():
            if value.is_floating_point():
                expected = 0.75 * there[part][name] + 0.25 * first[part].get(name, there[part][name])
                assert torch.allclose(value, expected, atol=1e-6), name
                moved += not value.equal(there[part][name])
    assert moved > 100
    assert len((tmp_path / "back.jsonl").read_text().splitlines()) == 2  # measured before and after


@pytest.mark.parametrize("wrong", [{"back": 0.5}, {"back": 1.0, "start": "a.pt"}, {"back": -0.1, "start": "a.pt"}])
def test_back_is_a_share_of_the_way_to_a_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least 0, less than 1"):
        Stage(name="x", **wrong)


def test_a_stage_goes_on_from_its_last_checkpoint(cache: Path, tmp_path: Path) -> None:
    stage = replace(TINY, name="cut", steps=5)

    class PulledPlug(BaseException):
        """Ends the process in the middle, as Ctrl-C or a power cut would."""

    def pull(step: int) -> None:
        if step == 3:
            raise PulledPlug

    with pytest.raises(PulledPlug):
        train(stage, cache, tmp_path, save_every_s=0, on_step=pull)
    cut = torch.load(tmp_path / "cut.pt", weights_only=False)
    assert not cut["done"] and cut["step"] == 3
    path = train(stage, cache, tmp_path)
    finished = torch.load(path, weights_only=False)
    assert finished["done"] and finished["step"] == 5
    assert json.loads((tmp_path / "cut.jsonl").read_text().splitlines()[-1])["step"] == 5
    moved = replace(stage, arch="resnet18", teachers=())
    assert train(moved, cache, tmp_path) == path
    with pytest.raises(CheckpointInvalid, match="another seed, size"):
        train(replace(stage, size=48, seed=8), cache, tmp_path)
    path.write_bytes(b"")
    with pytest.raises(CheckpointInvalid, match="delete it"):
        train(stage, cache, tmp_path)


def test_two_workers_train_together_and_say_what_is_missing(cache: Path, tmp_path: Path) -> None:
    train_together(replace(TINY, name="pair", steps=3), cache, tmp_path, workers=2, threads=1)
    finished = torch.load(tmp_path / "pair.pt", weights_only=False)
    assert finished["done"]
    with pytest.raises(TrainingError, match="nowhere"):
        lost = replace(TINY, name="lost", teachers=(str(tmp_path / "nowhere.tflite"),))
        train_together(lost, cache, tmp_path, workers=2, threads=1)
    assert all(torch.isfinite(each).all() for each in finished["network"].values())
