"""Settings: all of them are documented, they reach child processes unchanged, and secrets come from files."""

import io
import math
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from PIL import Image
from pydantic import BaseModel, ValidationError

from Backend.commands.demo import api_part, page_part
from Backend.commands.options import settings_with
from Backend.errors import PathUnusable, SecretUnusable
from Backend.services import check_networks, open_catalogue
from Backend.settings import Settings
from Data.errors import DatabaseError
from Frontend.settings import Settings as PageSettings
from Model.errors import ChecksumMismatch, ModelError
from Model.weights import SHIPPED


def documented(repository: Path) -> set[str]:
    return set(re.findall(r"^\| `(SIMILOOK_\w+)`", (repository / "docs" / "settings.md").read_text(), re.MULTILINE))


@pytest.mark.parametrize("settings", [Settings, PageSettings], ids=["service", "page"])
def test_every_setting_is_documented(settings: type[BaseModel], repository: Path) -> None:
    fields = {f"SIMILOOK_{name.upper()}" for name in settings.model_fields}
    assert fields <= documented(repository)


def test_no_documented_setting_is_gone(repository: Path) -> None:
    fields = {f"SIMILOOK_{name.upper()}" for name in (*Settings.model_fields, *PageSettings.model_fields)}
    assert documented(repository) == fields


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_settings_survive_the_way_to_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        data_dir=tmp_path, port=8123, cors_origins=("https://shop.example", "http://localhost:3000"), max_upload_mb=1.5
    )
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings


def test_a_relative_path_means_the_same_in_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that a command starts runs in another folder than the command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIMILOOK_MODELS_DIR", "models")
    settings = settings_with(data_dir=Path("shop"), database_url="sqlite:///shop/own.sqlite", images_url="pictures")
    assert settings.data_dir == tmp_path / "shop"
    assert settings.database == f"sqlite:///{tmp_path}/shop/own.sqlite"
    assert settings.images == str(tmp_path / "pictures")
    part = api_part(settings)
    script = "from Backend.settings import Settings as S; s = S(); print(s.index_dir, s.models, s.database, s.images)"
    seen = subprocess.run(
        [sys.executable, "-c", script], cwd=part.folder, env=dict(part.environment), capture_output=True, text=True
    )
    assert part.folder != tmp_path
    ours = (settings.index_dir, settings.models, settings.database, settings.images)
    assert seen.stdout.split() == [str(each) for each in ours]


def test_every_path_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [name for name, field in Settings.model_fields.items() if "Path" in str(field.annotation)]
    assert "data_dir" in paths and "metrics_dir" in paths
    for name in paths:
        assert getattr(Settings(**{name: "there"}), name) == tmp_path / "there", name


@pytest.mark.parametrize(
    "address", ["s3://bucket/pictures", "memory://x", "simplecache::s3://bucket", "~/pictures", "file:pictures"]
)
def test_an_address_of_pictures_stays_as_it_is(address: str) -> None:
    assert Settings(images_url=address).images == address


def test_an_empty_path_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMILOOK_MODELS_DIR", "")
    assert Settings(data_dir=tmp_path).models == tmp_path / "models"
    without = Settings().data_dir
    monkeypatch.setenv("SIMILOOK_DATA_DIR", "")
    assert Settings().data_dir == without


def test_password_comes_from_its_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("p@ss/word\n")
    settings = Settings(database_url="postgresql+psycopg://similook@db/similook", database_password_file=secret)
    assert settings.database == "postgresql+psycopg://similook:p%40ss%2Fword@db/similook"


def test_a_password_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    address = "postgresql+psycopg://similook@db/similook"
    with pytest.raises(SecretUnusable, match=f"The database password in {secret} cannot be read"):
        _ = Settings(database_url=address, database_password_file=secret).database
    secret.write_bytes(b"\xff\xfe")
    with pytest.raises(SecretUnusable):
        _ = Settings(database_url=address, database_password_file=secret).database


@pytest.mark.parametrize("address", ["nonsense", "postgresql://u@h:many/d"])
def test_a_database_address_that_cannot_be_read_is_told(tmp_path: Path, address: str) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2hunter2")
    for file in (None, secret):
        settings = Settings(database_url=address, database_password_file=file)
        with pytest.raises(DatabaseError, match="The database address cannot be read"):
            open_catalogue(settings)


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PathUnusable, match="cannot be made"):
        open_catalogue(Settings(data_dir=tmp_path / "file" / "data"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"encoder": "nope"}, "There is no encoder 'nope'"),
        ({"segmenter": "nope"}, "There is no segmenter 'nope'"),
        ({"classifier": "nope"}, "There is no model named 'nope'"),
        ({"encoder": "classifier"}, "classifier is a model of kind classifier, not encoder"),
        ({"segmenter": "resnet34"}, "resnet34 is a model of kind encoder, not segmenter"),
        ({"classifier": "resnet34"}, "resnet34 is a model of kind encoder, not classifier"),
    ],
)
def test_networks_that_are_not_there_are_told_before_anything_is_loaded(
    tmp_path: Path, wrong: dict[str, str], said: str
) -> None:
    check_networks(Settings(data_dir=tmp_path))
    check_networks(Settings(data_dir=tmp_path, segmenter="none", classifier=""))
    with pytest.raises(ModelError, match=said):
        check_networks(Settings(data_dir=tmp_path, **wrong))


def test_a_damaged_network_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, models_dir=tmp_path / "models")
    own = tmp_path / "models" / "classifier"
    shutil.copytree(SHIPPED / "classifier", own)
    check_networks(settings)
    [file] = own.glob("*.onnx")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ChecksumMismatch, match=f"{file.name} is not the file its card describes"):
        check_networks(settings)


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2hunter2")
    settings = Settings(database_url="postgresql://u@h/d", database_password_file=secret)
    assert "hunter2" in settings.database
    assert "hunter2" not in repr(settings)


def test_database_is_sqlite_in_the_data_folder_by_default(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).database == f"sqlite:///{tmp_path}/catalogue.sqlite"


@pytest.mark.parametrize("name", ["a shop", "50%20off", "new?", "#1", "straße"])
def test_a_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    with open_catalogue(Settings(data_dir=tmp_path / name)) as catalogue:
        catalogue.migrate()
        assert (tmp_path / name / "catalogue.sqlite").is_file()


def test_origins_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMILOOK_CORS_ORIGINS", "https://a.example/, https://b.example")
    assert Settings().cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    "wrong", [{"port": 70_000}, {"workers": 0}, {"public_base_url": "shop.example"}, {"max_megapixels": 179}]
)
def test_impossible_values_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


@pytest.mark.parametrize("settings", [Settings, PageSettings], ids=["service", "page"])
def test_a_picture_of_as_many_megapixels_as_can_be_set_is_opened(settings: type[Settings | PageSettings]) -> None:
    side = math.isqrt(int(settings(max_megapixels=178).max_megapixels * 1_000_000))
    file = io.BytesIO()
    Image.new("1", (side, side)).save(file, "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        assert Image.open(file).size == (side, side)
    with pytest.raises(ValidationError, match="less than or equal to 178"):
        settings(max_megapixels=179)


def test_the_demo_tells_streamlit_how_much_may_be_uploaded() -> None:
    part = page_part(Settings(max_upload_mb=49.5))
    options = part.command[part.command.index("demo.py") + 1 :]
    shown = subprocess.run(
        [sys.executable, "-m", "streamlit", "config", "show", *options],
        cwd=part.folder,
        env=dict(part.environment),
        capture_output=True,
        text=True,
    )
    assert re.search(r"^maxUploadSize = (\d+)", shown.stdout, re.MULTILINE).group(1) == "50"  # type: ignore[union-attr]


def test_threads_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("Backend.settings.available_cores", lambda: 8)
    assert Settings(workers=2, inference_slots=2).inference_threads == 2
    assert Settings(workers=16).inference_threads == 1
    assert Settings(threads=3, workers=16).inference_threads == 3


def test_only_settings_read_the_environment(repository: Path) -> None:
    readers = {
        path.relative_to(repository).as_posix(): set(re.findall(r'"([A-Z][A-Z0-9]*_[A-Z_]+)"', path.read_text()))
        for room in ("Backend", "Frontend", "Model", "Data")
        for path in sorted((repository / room).rglob("*.py"))
        if re.search(r"\b(environ|getenv|putenv)\b", path.read_text())
    }
    text = (repository / "docs" / "settings.md").read_text()
    training = {name for name in readers if name.startswith("Model/training/")}
    assert set(readers) - training == {"Backend/settings.py", "Model/session.py", "Data/index/native.py"}
    for name in ("Model/session.py", "Data/index/native.py"):
        assert readers[name]
        assert {word for word in (name, *readers[name]) if f"`{word}`" not in text} == set()
