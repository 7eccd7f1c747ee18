"""The whole recipe, a few steps of each training, on drawn sets with the real teachers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("ai_edge_litert", reason="the teachers need ai-edge-litert")

from PIL import Image

from Model.embedder import Embedder
from Model.errors import CheckpointInvalid
from Model.training.recipe import full_plan, onward_plan, run, short_plan, smoke_plan

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(600)]


def test_the_recipe_ends_with_an_eye_that_sees(drawn_data: Path, shared_dir: Path, tmp_path: Path) -> None:
    teachers = shared_dir / "models" / "teachers"
    weights = run(drawn_data, tmp_path, teachers, smoke_plan(full_plan(seed=1)), threads=1, seed=1)
    eye = Embedder.load(weights)
    (sight,) = eye.see([Image.new("RGB", (60, 80), "white")])
    assert sight.vector.shape == (512,)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "checkpoints").glob("*.pt")}
    run(drawn_data, tmp_path, teachers, smoke_plan(full_plan(seed=1)), threads=1, seed=1)
    assert before == {path: path.stat().st_mtime_ns for path in before}  # nothing is trained twice
    for other, seed in ((smoke_plan(short_plan(seed=1)), 1), (smoke_plan(full_plan(seed=1)), 2)):
        with pytest.raises(CheckpointInvalid, match="another plan or seed"):
            run(drawn_data, tmp_path, teachers, other, threads=1, seed=seed)


def test_it_goes_on_from_the_shipped_encoder(drawn_data: Path, shared_dir: Path, tmp_path: Path) -> None:
    teachers = shared_dir / "models" / "teachers"
    weights = run(drawn_data, tmp_path, teachers, smoke_plan(onward_plan(seed=1)), threads=1, seed=1)
    assert {folder.name for folder in weights.iterdir()} == {"resnet34", "classifier"}  # the mask is the shipped one
    (sight,) = Embedder.load(weights).see([Image.new("RGB", (60, 80), "white")])
    (shipped,) = Embedder.load(None).see([Image.new("RGB", (60, 80), "white")])
    assert sight.vector.shape == shipped.vector.shape and not np.allclose(sight.vector, shipped.vector)


def test_what_is_missing_is_told_before_anything_is_done(drawn_data: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"tf2_mobilenet_v2_1\.0_224_ptq\.tflite is missing"):
        run(drawn_data, tmp_path / "out", tmp_path, smoke_plan(full_plan(seed=1)), threads=2, seed=1)
    assert not (tmp_path / "out").exists()


def test_a_full_run_takes_two_hours_and_a_short_one_twenty_minutes() -> None:
    # training alone; caches, exports and the classifier take half an hour more, ten minutes in the short run
    assert full_plan(seed=1).minutes <= 90
    assert short_plan(seed=1).minutes <= 10
    assert onward_plan(seed=1).minutes <= 95
