"""A teacher rebuilt in torch sees what its TFLite file sees; hints and losses against the slow way."""

from __future__ import annotations

import io
import math
import tarfile
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

pytest.importorskip("torch")

import torch

from Model.training.datasets import UNKNOWN, Batch
from Model.training.hints import Hints, trunk_maps
from Model.training.lesson import Teacher, Teachers
from Model.training.limits import Limits, points
from Model.training.losses import Objective, Weights
from Model.training.resnet import resnet_trunk
from Model.training.stage import make_network
from Model.training.teachers import load_teacher

pytestmark = pytest.mark.torch

# File and the index of the tensor whose mean over 7 x 7 are the pooled features.
FILES = (("tf2_mobilenet_v2_1.0_224_ptq.tflite", 171), ("mobilenet_v2_1.0_224_quant.tflite", 168))


def photos(archive: Path, count: int) -> npt.NDArray[np.uint8]:
    """Return the first photos of a tar, squashed. Shape: (count, 224, 224, 3)."""
    found: list[npt.NDArray[np.uint8]] = []
    with tarfile.open(archive) as tar:
        for member in tar:
            handle = tar.extractfile(member)
            if handle is not None and member.name.endswith(".jpg"):
                with Image.open(io.BytesIO(handle.read())) as image:
                    found.append(np.asarray(image.convert("RGB").resize((224, 224))))
            if len(found) == count:
                break
    return np.stack(found)


@pytest.mark.parametrize(("name", "tensor"), FILES)
def test_a_rebuilt_teacher_is_the_original(shared_dir: Path, name: str, tensor: int) -> None:
    interpreter_module = pytest.importorskip("ai_edge_litert.interpreter")
    path = shared_dir / "models" / "teachers" / name
    pictures = photos(shared_dir / "data" / "clothing-dataset.tar", 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = interpreter_module.Interpreter(str(path), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    scale, zero = next(d["quantization"] for d in interpreter.get_tensor_details() if d["index"] == tensor)
    expected = []
    for picture in pictures:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
        interpreter.invoke()
        expected.append((interpreter.get_tensor(tensor).astype(np.float32) - zero).mean(axis=(0, 1, 2)) * scale)
    with torch.no_grad():
        inputs = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
        found = load_teacher(path).eval()(inputs).numpy()

    def centred(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        moved = rows - rows.mean(axis=0)
        return moved / np.linalg.norm(moved, axis=1, keepdims=True)

    assert ((centred(np.array(expected)) * centred(found)).sum(axis=1) > 0.97).all()


def test_a_file_that_is_no_mobilenet_v2_is_refused(shared_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a MobileNetV2"):
        load_teacher(shared_dir / "models" / "teachers" / "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite")
    with pytest.raises(FileNotFoundError):
        load_teacher(tmp_path / "missing.tflite")


def test_maps_come_with_the_same_pooled_features() -> None:
    trunk = resnet_trunk("resnet18").eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        pooled, maps = trunk_maps(trunk, images)
        assert torch.allclose(pooled, trunk(images), atol=1e-6)
    assert [tuple(each.shape) for each in maps] == [(2, 128, 8, 8), (2, 256, 4, 4), (2, 512, 2, 2)]


def test_hints_are_one_for_a_student_that_knows_nothing() -> None:
    hints = Hints((4, 5, 6))
    for translate in hints.translate:
        torch.nn.init.zeros_(translate.weight)
        torch.nn.init.zeros_(translate.bias)
    student = [torch.rand(8, width, 4, 4) for width in (128, 256, 512)]
    teacher = [torch.rand(8, width, 6, 6) for width in (4, 5, 6)]
    assert float(hints(student, teacher).detach()) == pytest.approx(1.0, abs=1e-3)


def batch(count: int) -> Batch:
    labels = {"category": torch.arange(count) % 3, "colour": torch.full((count,), UNKNOWN)}
    words = torch.full((count, 5), UNKNOWN, dtype=torch.int8)
    return Batch(torch.zeros(count, 4, 2, 2), labels, words, torch.arange(count))


def test_unknown_labels_and_words_have_no_loss() -> None:
    objective = Objective({"category": 13, "colour": 7}, 5, None, Weights())
    _, parts = objective(torch.randn(12, 512), batch(6), None)
    assert set(parts) == {"category", "supervised_contrast", "instance_contrast"}


def test_the_category_loss_is_cross_entropy_over_both_views() -> None:
    objective = Objective({"category": 13}, 5, None, Weights(smoothing=0))
    features = torch.randn(12, 512)
    _, parts = objective(features, batch(6), None)
    logits = objective.heads["category_head"](features)
    truth = (torch.arange(6) % 3).repeat(2)
    slow = -torch.stack([torch.log_softmax(logits[at], 0)[truth[at]] for at in range(12)]).mean()
    assert parts["category"] == pytest.approx(float(slow.detach()), abs=1e-4)


def test_two_equal_views_have_less_instance_loss_than_two_strangers() -> None:
    objective = Objective({"category": 13}, 5, None, Weights())
    one = torch.randn(6, 512)
    _, same = objective(torch.cat([one, one]), batch(6), None)
    _, strangers = objective(torch.cat([one, torch.randn(6, 512)]), batch(6), None)
    assert same["instance_contrast"] < strangers["instance_contrast"]


def test_views_beyond_two_each_learn_from_the_lesson_alone() -> None:
    """Mixed views have no label: they change what the teacher teaches, and nothing else."""
    imitated = SimpleNamespace(width=8, map_widths=(4, 4, 4))
    objective = Objective({"category": 13}, 5, imitated, Weights(hints=0))
    features, targets, logits = torch.randn(15, 512), torch.randn(15, 8), torch.randn(15, 13)
    lesson = SimpleNamespace(vectors=targets, logits=logits, maps=())
    _, parts = objective(features, batch(6), lesson)
    _, without = objective(features[:12], batch(6), None)
    for name, value in without.items():
        assert parts[name] == pytest.approx(value, abs=1e-5), name
    assert set(parts) - set(without) == {"teacher", "teacher_category"}
    shown = objective.teacher(features).detach()
    slow = [1 - float(shown[at] @ targets[at] / (shown[at].norm() * targets[at].norm())) for at in range(15)]
    assert parts["teacher"] == pytest.approx(sum(slow) / 15, abs=1e-4)
    soft, own = torch.softmax(logits / 2, 1), torch.softmax(objective.heads["category_head"](features).detach() / 2, 1)
    slow = [float((soft[at] * (soft[at] / own[at]).log()).sum()) for at in range(15)]
    assert parts["teacher_category"] == pytest.approx(sum(slow) / 15, abs=1e-4)


def slow_contrast(unit: torch.Tensor, labels: list[int], older: torch.Tensor, old_labels: list[int]) -> float:
    """Return the supervised contrastive loss at temperature 0.1, pair by pair."""
    losses = []
    for at, label in enumerate(labels):
        others = [(unit[n], labels[n]) for n in range(len(labels)) if n != at] + list(
            zip(older, old_labels, strict=True)
        )
        scores = [float(unit[at] @ other) / 0.1 for other, _ in others]
        everything = math.log(sum(math.exp(score) for score in scores))
        right = [everything - score for score, (_, of) in zip(scores, others, strict=True) if of == label]
        losses.append(sum(right) / len(right))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("memory", [0, 100])
def test_contrast_is_with_the_batch_and_with_what_is_remembered(memory: int) -> None:
    objective = Objective({"category": 13}, 5, None, Weights(memory=memory))
    first, second = torch.randn(12, 512), torch.randn(12, 512)
    objective(first, batch(6), None)
    _, parts = objective(second, batch(6), None)
    unit, older = torch.nn.functional.normalize(second), torch.nn.functional.normalize(first)
    if not memory:
        older = older[:0]
    for name, numbers in (("supervised_contrast", [0, 1, 2] * 4), ("instance_contrast", [0, 1, 2, 3, 4, 5] * 2)):
        assert parts[name] == pytest.approx(slow_contrast(unit, numbers, older, numbers[: len(older)]), rel=1e-3)


def test_a_memory_is_not_part_of_the_weights() -> None:
    with_memory = Objective({"category": 13}, 5, None, Weights(memory=100))
    assert set(with_memory.state_dict()) == set(Objective({"category": 13}, 5, None, Weights()).state_dict())


def test_pictures_of_one_category_and_colour_are_one_product_kind() -> None:
    objective = Objective({"category": 13, "colour": 7}, 5, None, Weights(product_contrast=1))
    some = batch(6)
    some.labels["colour"] = torch.tensor([1, 1, UNKNOWN, 1, 2, 2])
    features = torch.randn(12, 512)
    _, parts = objective(features, some, None)
    # category and colour of the pictures: 0/1, 1/1, none, 0/1, 1/2, 2/2
    kept = [0, 1, 3, 4, 5, 6, 7, 9, 10, 11]
    unit = torch.nn.functional.normalize(features)[kept]
    assert parts["product_contrast"] == pytest.approx(slow_contrast(unit, [0, 1, 0, 2, 3] * 2, unit[:0], []), rel=1e-3)


def random_checkpoint(file: Path, seed: int, limits: Limits | None = None) -> str:
    """Write a checkpoint of a random encoder with heads, and return its path."""
    torch.manual_seed(seed)
    network = make_network("resnet18")
    heads = Objective({"category": 13}, 5, None, Weights()).state_dict()
    stage = {"arch": "resnet18"}
    torch.save({"stage": stage, "average": network.state_dict(), "average_heads": heads, "limits": limits}, file)
    return str(file)


def test_several_teachers_are_one_with_vectors_side_by_side(tmp_path: Path) -> None:
    sources = [random_checkpoint(tmp_path / f"{seed}.pt", seed) for seed in (1, 2)]
    images = torch.rand(3, 3, 64, 64)
    alone = [Teacher(source)(images) for source in sources]
    together = Teachers(sources)
    lesson = together(images)
    assert lesson.vectors.shape == (3, together.width) == (3, 1024)
    for at, one in enumerate(alone):
        part = lesson.vectors[:, 512 * at : 512 * (at + 1)]
        assert torch.allclose(part, one.vectors / one.vectors.norm(dim=1, keepdim=True), atol=1e-5)
    assert lesson.logits is not None and alone[0].logits is not None and alone[1].logits is not None
    assert torch.allclose(lesson.logits, (alone[0].logits + alone[1].logits) / 2, atol=1e-5)
    assert torch.equal(lesson.maps[0], alone[0].maps[0])


def test_a_teacher_keeps_to_its_limits(tmp_path: Path) -> None:
    limits = {name: (0.0, 0.0) for name, _, _ in points(make_network("resnet18").trunk)}
    teacher = Teacher(random_checkpoint(tmp_path / "1.pt", 1, limits))
    images = torch.rand(2, 3, 64, 64)
    assert torch.equal(teacher(images).vectors[0], teacher(1 - images).vectors[1])  # nothing gets through
