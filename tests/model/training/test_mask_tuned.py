"""The mask's teacher, tuned as a whole for a few steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ai_edge_litert", reason="the teacher needs ai-edge-litert")

from Model.errors import CheckpointInvalid  # noqa: E402
from Model.training import mask_train, mask_tuned  # noqa: E402
from Model.training.mask_data import MaskSets, read_sets  # noqa: E402
from Model.training.mask_labels import SOFT_MASKS, Tuning, label_photos  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def sets(shared_dir: Path) -> MaskSets:
    return read_sets(shared_dir / "data", limit=10)


def label(shared_dir: Path, folder: Path, sets: MaskSets, tuning: Tuning | None) -> np.ndarray:
    folder.mkdir(exist_ok=True)
    label_photos(shared_dir / "models" / "teachers", folder, sets, views=16, epochs=1, seed=3, tuning=tuning)
    with np.load(folder / SOFT_MASKS) as kept:
        return np.asarray(kept["masks"])


def test_the_photos_are_labelled_by_the_tuned_teacher_and_once(
    shared_dir: Path, sets: MaskSets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teachers = shared_dir / "models" / "teachers"
    by_head = label(shared_dir, tmp_path / "head", sets, None)
    folder = tmp_path / "tuned"
    found = label(shared_dir, folder, sets, Tuning(steps=3, side=64))
    assert found.shape == by_head.shape and not np.array_equal(found, by_head)

    begun = mask_tuned.TunedTeacher(teachers).trunk.state_dict()
    tuned = torch.load(folder / mask_tuned.FILE, weights_only=True)
    used = {name: value for name, value in begun.items() if not name.startswith("last.")}  # the pooled features are not
    moved = [float((tuned[f"trunk.{name}"] - value).abs().max()) for name, value in used.items()]
    assert all(0 < most < 0.1 for most in moved)  # the whole trunk is a step away, not begun anew

    (folder / SOFT_MASKS).unlink()
    monkeypatch.setattr(mask_tuned, "tune", lambda *_, **__: pytest.fail("it was tuned twice"))
    assert np.array_equal(label(shared_dir, folder, sets, Tuning(steps=3, side=64)), found)


def test_a_mirrored_picture_has_a_mirrored_mask(shared_dir: Path, sets: MaskSets) -> None:
    teacher = mask_tuned.TunedTeacher(shared_dir / "models" / "teachers").eval()
    pictures = sets.photos[:2]
    as_is, mirrored = (teacher.predict(each, 64).astype(int) for each in (pictures, pictures[:, :, ::-1]))
    assert as_is.shape == (2, 64, 64)
    assert np.abs(as_is - mirrored[:, :, ::-1]).max() <= 2


def test_it_begins_as_a_tuned_encoder_teacher_and_refuses_another_network(shared_dir: Path, tmp_path: Path) -> None:
    teachers = shared_dir / "models" / "teachers"
    tuned = {
        f"trunk.{name}": value + 0.5 for name, value in mask_tuned.TunedTeacher(teachers).trunk.state_dict().items()
    }
    torch.save({"average": tuned | {"neck.weight": torch.ones(4)}}, tmp_path / "tuned.pt")
    begun = mask_tuned.TunedTeacher(teachers, tmp_path / "tuned.pt").trunk.state_dict()
    assert all(torch.equal(value, tuned[f"trunk.{name}"]) for name, value in begun.items())
    torch.save({"average": {"trunk.conv1.weight": torch.ones(4)}}, tmp_path / "other.pt")
    (tmp_path / "damaged.pt").write_bytes(b"not a checkpoint")
    for name in ("other.pt", "damaged.pt"):
        with pytest.raises(CheckpointInvalid, match=f"{name} is not a tuned MobileNetV2"):
            mask_tuned.TunedTeacher(teachers, tmp_path / name)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--again", "run.pt", "--tune-teacher", "5"], "--tune-teacher labels photos that --again has labels of"),
        (["--teacher-trunk", "teacher.pt"], "--teacher-trunk is what --tune-teacher begins as"),
        (["--back", "0.5"], "--back is a share of the way to what --again or --onward goes on from"),
        (["--onward", "--back", "1"], "at least 0, less than 1"),
    ],
)
def test_options_that_would_do_nothing_are_refused(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mask_train", "--data", str(tmp_path), "--out", str(tmp_path / "out"), *options])
    with pytest.raises(SystemExit) as ended:
        mask_train.main()
    assert ended.value.code == 2 and said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
