"""What was backed up comes back, on either database, and a damaged backup touches nothing."""

import json
import shutil
import tarfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from Data.backup import BackupManifest, backup, inspect, restore
from Data.catalogue import Catalogue
from Data.changes import ChangeLog
from Data.errors import BackupError, BackupInvalid, ChangesPruned, RestoreRefused
from Data.features import FeatureRow, Features
from Data.images import ImageStore
from Data.index.builder import build_generation
from Data.index.generations import rollback
from Data.product import Picture, Product


@pytest.fixture
def images(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


@pytest.fixture
def filled(catalogue: Catalogue, images: ImageStore) -> Catalogue:
    """Return a catalogue of ten products, nine of them embedded."""
    keys = images.put_many([f"picture {number}".encode() for number in range(10)])
    images.put(b"shown by nobody")
    catalogue.upsert(
        [
            Product(
                product_id=f"é{number}",
                name="<b>\\N\t\u2028'\"",
                sizes=("S", "M"),
                price=Decimal("19.9"),
                currency="EUR",
                pictures=(Picture(sha256=key),),
            )
            for number, key in enumerate(keys)
        ]
    )
    catalogue.delete(["é9"])
    features = Features(catalogue.engine)
    features.put("e", [FeatureRow(key, np.eye(16)[number], {"coverage": 0.5}) for number, key in enumerate(keys)])
    return catalogue


def everything(catalogue: Catalogue) -> object:
    vectors = [
        (batch.vector_ids.tolist(), batch.vectors.tolist(), list(batch.columns))
        for batch in Features(catalogue.engine).iterate("e")
    ]
    return list(catalogue.iterate()), vectors, catalogue.currency, catalogue.stats("e"), catalogue.facets("source")


@pytest.mark.parametrize("name", ["copy", "copy.tar", "copy.tar.gz"])
@pytest.mark.parametrize("into", ["the same kind", "sqlite"])
def test_there_and_back(
    filled: Catalogue, images: ImageStore, tmp_path: Path, new_database: Callable[[], str], name: str, into: str
) -> None:
    written = backup(filled, images, tmp_path / "place" / name)
    assert (written.products, written.images, written.missing_images) == (9, 9, ())
    assert [path.name for path in (tmp_path / "place").iterdir()] == [name]
    assert inspect(tmp_path / "place" / name) == written
    url = new_database() if into == "the same kind" else f"sqlite:///{tmp_path}/other.sqlite"
    other = ImageStore(f"memory://{tmp_path.name}/{name}")
    with Catalogue.open(url) as catalogue:
        assert restore(tmp_path / "place" / name, catalogue, other) == written
        catalogue.check()
        assert everything(catalogue) == everything(filled)
        assert len(list(other.iter_sha256())) == 9
        # Life goes on: new numbers, and no index of before is followed on.
        catalogue.upsert([Product(product_id="new", name="New", pictures=(Picture(sha256="0" * 64),))])
        assert catalogue.picture_status("new")[0].vector_id == 11
        catalogue.delete(["é0"])
        for old in (0, 9, 12345):
            with pytest.raises(ChangesPruned):
                ChangeLog(catalogue.engine).since(old)
        last = ChangeLog(catalogue.engine).last_seq()
        assert [change.op for change in ChangeLog(catalogue.engine).since(last - 1)] == ["delete"]


def test_from_sqlite_to_postgresql(
    tmp_path: Path, images: ImageStore, new_database: Callable[[], str], filled: Catalogue
) -> None:
    """With `filled` on either database, by way of SQLite into a new one of the same kind."""
    backup(filled, images, tmp_path / "first")
    with Catalogue.open(f"sqlite:///{tmp_path}/between.sqlite") as between:
        restore(tmp_path / "first", between, images)
        backup(between, images, tmp_path / "second")
    with Catalogue.open(new_database()) as catalogue:
        restore(tmp_path / "second", catalogue, images)
        assert everything(catalogue) == everything(filled)


def test_a_catalogue_is_not_overwritten_by_accident(filled: Catalogue, images: ImageStore, tmp_path: Path) -> None:
    backup(filled, images, tmp_path / "copy")
    before = everything(filled)
    with pytest.raises(RestoreRefused, match="holds 9 products"):
        restore(tmp_path / "copy", filled, images)
    filled.upsert([Product(product_id="later", name="Later", pictures=(Picture(sha256="0" * 64),))])
    restore(tmp_path / "copy", filled, images, replace=True)
    assert everything(filled) == before
    filled.upsert([Product(product_id="later", name="Later", pictures=(Picture(sha256="0" * 64),))])
    assert filled.picture_status("later")[0].vector_id == 12  # 11 was given out before the restore


def test_a_place_that_is_taken(filled: Catalogue, images: ImageStore, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(BackupError, match="exists already"):
        backup(filled, images, tmp_path / "taken")
    with pytest.raises(BackupError, match="cannot be written to"):
        backup(filled, images, tmp_path / "taken" / "below")


def test_missing_and_damaged_pictures_are_told(filled: Catalogue, images: ImageStore, tmp_path: Path) -> None:
    first, second = [picture.sha256 or "" for product in list(filled.iterate())[:2] for picture in product.pictures]
    images.delete(first)
    path = images.local_path(second)
    assert path is not None
    path.write_bytes(b"damaged")
    written = backup(filled, images, tmp_path / "copy")
    assert written.missing_images == tuple(sorted([first, second]))
    assert written.images == 7


def damage_version(manifest: dict[str, object]) -> None:
    manifest["version"] = 2


def damage_format(manifest: dict[str, object]) -> None:
    manifest["format"] = "something"


def damage_revision(manifest: dict[str, object]) -> None:
    manifest["revision"] = "9999"


def damage_fields(manifest: dict[str, object]) -> None:
    manifest["surprise"] = 1


def damage_files(manifest: dict[str, object]) -> None:
    manifest["files"] = {"../../etc/passwd": "0"}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damage_version, "needs another version"),
        (damage_format, "not a backup of Similook"),
        (damage_revision, "revision 9999"),
        (damage_fields, "manifest.json is damaged"),
        (damage_files, "manifest.json is damaged"),
    ],
)
def test_a_manifest_of_another_kind(
    filled: Catalogue,
    images: ImageStore,
    tmp_path: Path,
    damage: Callable[[dict[str, object]], None],
    said: str,
) -> None:
    backup(filled, images, tmp_path / "copy")
    path = tmp_path / "copy" / "manifest.json"
    manifest = json.loads(path.read_text())
    damage(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(BackupInvalid, match=said):
        inspect(tmp_path / "copy")


def test_damaged_files_touch_nothing(filled: Catalogue, images: ImageStore, tmp_path: Path) -> None:
    written = backup(filled, images, tmp_path / "whole")
    table = tmp_path / "whole" / next(iter(written.files))
    picture = next((tmp_path / "whole" / "images").rglob("?" * 64))
    before = everything(filled)

    def expect(said: str) -> None:
        with pytest.raises(BackupInvalid, match=said):
            restore(tmp_path / "whole", filled, images, replace=True)
        assert everything(filled) == before

    for path in (table, picture):
        good = path.read_bytes()
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        expect("is damaged")
        path.unlink()
        expect("lacks the file|pictures of 9")
        path.write_bytes(good)
    manifest = tmp_path / "whole" / "manifest.json"
    manifest.write_text(manifest.read_text()[:50])
    expect("manifest.json is damaged")
    manifest.unlink()
    expect("no manifest.json")


def test_a_tar_that_was_cut_off(filled: Catalogue, images: ImageStore, tmp_path: Path) -> None:
    for name in ("copy.tar", "copy.tar.gz"):
        backup(filled, images, tmp_path / name)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
        with pytest.raises(BackupInvalid):
            inspect(tmp_path / name)
    for path in (tmp_path / "nothing", tmp_path / "notes.txt"):
        if path.suffix:
            path.write_text("x")
        with pytest.raises(BackupInvalid, match="cannot be read"):
            inspect(path)


def test_names_in_a_backup_lead_nowhere_else(filled: Catalogue, images: ImageStore, tmp_path: Path) -> None:
    written = backup(filled, images, tmp_path / "copy")
    table = tmp_path / "copy" / next(iter(written.files))
    shutil.move(table, tmp_path / "outside")
    table.symlink_to(tmp_path / "outside")
    with pytest.raises(BackupInvalid, match="lacks the file"):
        inspect(tmp_path / "copy")
    with tarfile.open(tmp_path / "copy.tar", "w") as tar:
        tar.add(tmp_path / "copy", arcname=".")
    with pytest.raises(BackupInvalid):
        inspect(tmp_path / "copy.tar")


def test_a_failing_load_takes_nothing_away(
    filled: Catalogue, images: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(filled, images, tmp_path / "copy")
    before = everything(filled)

    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("Data.dumps.bulk_insert", fail)
    with pytest.raises(OSError, match="the disk is gone"):
        restore(tmp_path / "copy", filled, images, replace=True)
    assert everything(filled) == before


def test_the_catalogue_stays_in_use(filled: Catalogue, images: ImageStore, tmp_path: Path) -> None:
    """A writer goes on during backups; each backup is of one instant."""
    done = Event()

    def write() -> None:
        turn = 0
        while not done.is_set():
            filled.upsert([Product(product_id=f"n{number}", name=f"turn {turn}") for number in range(50)])
            turn += 1

    writer = Thread(target=write)
    writer.start()
    try:
        copies: list[BackupManifest] = [backup(filled, images, tmp_path / f"copy{number}") for number in range(3)]
    finally:
        done.set()
        writer.join()
    for number, written in enumerate(copies):
        assert written.products in (9, 59)
        with Catalogue.open(f"sqlite:///{tmp_path}/restored{number}.sqlite") as catalogue:
            restore(tmp_path / f"copy{number}", catalogue, images)
            names = {product.name for product in catalogue.iterate() if product.product_id.startswith("n")}
            assert len(names) <= 1


def test_the_index_in_use_is_noted(filled: Catalogue, images: ImageStore, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    assert backup(filled, images, tmp_path / "none", index_folder=folder).index is None
    built = [build_generation(folder, Features(filled.engine), "e") for _ in range(2)]
    rollback(folder)
    assert backup(filled, images, tmp_path / "a", index_folder=folder).index == built[0].model_dump(mode="json")
    noted = inspect(tmp_path / "a").index
    assert noted is not None and (noted["generation"], noted["embedder_id"], noted["count"]) == ("000001", "e", 9)
    (folder / "CURRENT").write_text("000001 damaged")
    assert backup(filled, images, tmp_path / "b", index_folder=folder).index is None
