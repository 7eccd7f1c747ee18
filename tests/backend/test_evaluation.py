"""Evaluation and training as commands: on the drawn catalogue, whose figures are no headlines but must be right."""

import json
import shutil
import socket
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from Backend.cli import app
from Backend.errors import NothingLabelled, PathUnusable
from Backend.evaluation import evaluate, read_labelled
from Backend.evaluation_api import read_split
from Backend.labelled import write_manifest
from Backend.main import create_app
from Backend.settings import Settings
from Model.card import Card
from Model.weights import find_model, publish
from tests.backend.conftest import DrawnPhoto

run = CliRunner().invoke


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_catalogue_as_labelled_pictures(settings: Settings, photos: list[DrawnPhoto]) -> None:
    rows = read_labelled(write_manifest(settings))
    assert {row.label for row in rows} == {photo.category for photo in photos}
    assert len(rows) == len(photos)
    assert all(row.image.is_file() for row in rows)


@pytest.fixture
def folders(tmp_path: Path, photos: list[DrawnPhoto]) -> Path:
    """Return a folder with one folder per class."""
    for photo in photos[:12]:
        folder = tmp_path / "classes" / photo.category
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{photo.product_id}.jpg").write_bytes(photo.data)
    return tmp_path / "classes"


def test_a_folder_per_class(folders: Path, photos: list[DrawnPhoto]) -> None:
    assert {row.label for row in read_labelled(folders)} == {photo.category for photo in photos[:12]}


def test_what_holds_no_labels(tmp_path: Path) -> None:
    with pytest.raises(NothingLabelled):
        read_labelled(tmp_path)
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    with pytest.raises(PathUnusable):
        read_labelled(tmp_path / "bad.csv")


def test_rows_that_lack_something_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text("label,image\ndress,a.jpg\n,b.jpg\nshirt\n\n")
    assert [row.image.name for row in read_labelled(tmp_path / "shop.csv")] == ["a.jpg"]
    (tmp_path / "turned.csv").write_text("image,label\na.jpg,dress\nb.jpg\n")
    assert [row.image.name for row in read_labelled(tmp_path / "turned.csv")] == ["a.jpg"]


def test_a_cell_without_an_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text('image,label\na.jpg,"' + "x" * 1_100_000 + "\n")
    with pytest.raises(PathUnusable, match="field larger than field limit"):
        read_labelled(tmp_path / "shop.csv")
    with pytest.raises(PathUnusable, match="field larger than field limit"):
        read_split(tmp_path / "shop.csv")


@pytest.mark.parametrize("command", [["evaluate"], ["evaluate", "api", "photos", "--split", "val.csv"]])
def test_a_folder_that_cannot_be_written_to_is_told_first(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").write_text("")
    result = run(app, [*command, "--out", str(tmp_path / "file" / "out"), "--data-dir", str(tmp_path / "data")])
    assert isinstance(result.exception, PathUnusable)
    assert "file/out cannot be made" in str(result.exception)


def test_labels_without_pictures_are_told(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text("image,label\na.jpg,dress\n")
    with pytest.raises(PathUnusable, match=r"None of the 1 labelled pictures can be read, .*a\.jpg for one"):
        evaluate(read_labelled(tmp_path / "shop.csv"), {}, 0, {}, tmp_path / "out")


def test_evaluate_a_folder_with_two_models(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMILOOK_MODELS_DIR", str(tmp_path / "models"))
    shutil.copytree(find_model("resnet34"), tmp_path / "models" / "another")
    out = tmp_path / "out"
    options = ["--instances", "4", "--limit", "10", "--out", str(out), "--against", "another"]
    result = run(app, ["evaluate", "--data", str(folders), *options])
    assert result.exit_code == 0, result.output
    assert "category_p@5" in result.stdout
    assert "colour histogram" in result.stdout
    figures = json.loads((out / "evaluation.json").read_text())
    assert [model["name"] for model in figures["models"]] == ["resnet34", "another", "colour histogram"]
    assert "accuracy" in figures["models"][0]["figures"]
    assert (out / "evaluation.html").read_text().startswith("<!doctype html>")


def test_evaluate_through_the_api(settings: Settings, tmp_path: Path, photos: list[DrawnPhoto]) -> None:
    """The third drawing of each class asks; the two others are the catalogue."""
    split = tmp_path / "val.csv"
    held_out = [photo.product_id for photo in photos[2::3]]
    split.write_text("image\n" + "\n".join(held_out) + "\n")
    result = run(
        app,
        [
            *("evaluate", "api", str(settings.data_dir / "sample" / "products.csv"), "--name", "table"),
            *("--split", str(split), "--port", str(free_port())),
            *("--out", str(tmp_path / "out"), "--data-dir", str(tmp_path / "data"), "--limit", "5"),
        ],
    )
    assert result.exit_code == 0, result.output
    text = (tmp_path / "out" / "api.md").read_text()
    assert f"{len(photos) - len(held_out)} photos as catalogue, 5 of val.csv as queries" in text
    for figure in ("accuracy", "category P@1", "category P@10", "colour histogram, category P@5", "p95"):
        assert f"| {figure} |" in text


def test_a_new_classifier_is_taken_up_while_the_service_runs(
    settings: Settings, tmp_path: Path, photos: list[DrawnPhoto]
) -> None:
    """The shipped classifier serves until a shop's own appears in the models folder."""
    own = settings.model_copy(update={"models_dir": tmp_path / "models"})
    shipped = find_model("classifier")
    card = Card.load(shipped)
    with TestClient(create_app(own)) as client:
        before = client.post("/api/classify", files={"file": photos[0].data}).json()["probabilities"]
        renamed = card.model_copy(update={"labels": tuple(f"own-{label}" for label in card.labels)})
        publish(renamed, card.read_model(shipped), tmp_path / "models" / "classifier")
        services = client.app.state.services  # type: ignore[attr-defined]
        services.embedder.reload_classifier_if_changed()
        after = client.post("/api/classify", files={"file": photos[0].data}).json()["probabilities"]
    assert [row["slug"] for row in after] == [f"own-{row['slug']}" for row in before]
    shutil.rmtree(tmp_path / "models")


@pytest.mark.torch
def test_train_the_classifier_on_the_catalogue(settings: Settings, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    out = tmp_path / "classifier"
    result = run(app, ["train", "classifier", "--out", str(out), "--data-dir", str(settings.data_dir)])
    assert result.exit_code == 0, result.output
    card = Card.load(out)
    assert len(card.labels) == 13
    assert f"{out} holds a classifier of 13 labels" in result.stdout


def test_backup_and_restore(settings: Settings, tmp_path: Path, photos: list[DrawnPhoto]) -> None:
    archive = tmp_path / "backup.tar"
    made = run(app, ["backup", str(archive), "--data-dir", str(settings.data_dir)])
    assert made.exit_code == 0, made.output
    assert f"{len(photos)} products and {len(photos)} pictures" in made.stdout
    data = ["--data-dir", str(tmp_path / "other")]
    back = run(app, ["restore", str(archive), *data])
    assert back.exit_code == 0, back.output
    assert f"hold {len(photos)} products" in run(app, ["db", "check", *data]).stdout
    # The features came along: nothing is looked at again.
    indexed = run(app, ["index", "--rebuild", *data])
    assert f"processed 0, succeeded 0, failed 0, skipped {len(photos)}" in indexed.stdout
