"""Generations on disk: damaged ones are noticed and passed over, switches are atomic, bad builds change nothing."""

import errno
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from Data.errors import (
    DimensionMismatch,
    GenerationRefused,
    IndexCorrupt,
    IndexFull,
    IndexMissing,
    LeaseHeld,
    VectorsInvalid,
)
from Data.features import FeatureRow
from Data.index import builder
from Data.index.builder import build_generation
from Data.index.building import BuildLease, disk_errors
from Data.index.generations import current_name, generation_names, open_generation, rollback, set_current
from Data.index.live import LiveIndex
from Data.index.manifest import read_manifest

EMBEDDER = "embedder-a"
SAMPLES = Path(__file__).with_name("samples")


def found(shop: Any, index: LiveIndex) -> set[str]:
    """Return every product that can be found."""
    return {hit.product_id for hit in index.search(shop.vector()[None], 10_000)[0]}


def stored(shop: Any) -> set[str]:
    return {product.product_id for product in shop.catalogue.iterate()}


def live(shop: Any) -> LiveIndex:
    return LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)


def flip(path: Path, place: float) -> None:
    """Turn one bit over, at a part 0..1 of the file."""
    content = bytearray(path.read_bytes())
    content[min(len(content) - 1, int(place * len(content)))] ^= 0x10
    path.write_bytes(content)


@pytest.fixture
def two(shop: Any) -> Any:
    """Return a shop with two generations and a change after them."""
    shop.fill(40, pictures=2)
    build_generation(shop.directory, shop.features, EMBEDDER)
    shop.fill(10, first=100)
    build_generation(shop.directory, shop.features, EMBEDDER)
    shop.fill(3, first=200)
    return shop


@pytest.mark.parametrize("place", [0.0, 0.02, 0.3, 0.7, 0.999])
@pytest.mark.parametrize("file", ["manifest.json", "rows.faiss", "columns.pack"])
def test_one_flipped_bit_is_noticed_and_the_last_good_generation_serves(two: Any, file: str, place: float) -> None:
    flip(two.directory / "000002" / file, place)
    with pytest.raises(IndexCorrupt, match="rollback"):
        open_generation(two.directory, "000002", EMBEDDER)
    index = live(two)
    assert found(two, index) == stored(two)
    assert index.facts().generation == "000001"
    assert "000002" in (index.facts().problem or "")


@pytest.mark.parametrize("file", ["manifest.json", "rows.faiss", "columns.pack"])
@pytest.mark.parametrize("rest", [0, 50, -3])
def test_a_file_cut_short_is_noticed(two: Any, file: str, rest: int) -> None:
    path = two.directory / "000002" / file
    path.write_bytes(path.read_bytes()[:rest])
    index = live(two)
    assert (index.facts().generation, found(two, index)) == ("000001", stored(two))


@pytest.mark.parametrize("file", ["search.faiss", "lists.npy", "rows.faiss", "columns.pack"])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "gone"])
def test_damage_to_a_compact_index_is_noticed(tmp_path: Path, file: str, damage: str) -> None:
    shutil.copytree(SAMPLES / "format-1-compact", tmp_path, dirs_exist_ok=True)
    path = tmp_path / "000001" / file
    if damage == "flip":
        flip(path, 0.6)
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: -7 if damage == "cut" else 0])
    with pytest.raises(IndexCorrupt, match=f"{file}.*rollback"):
        open_generation(tmp_path, "000001", EMBEDDER)


@pytest.mark.parametrize("content", ["", "000002", "000001 12345678", "../../etc 00000000", "\x00\xff"])
def test_a_damaged_current_leads_to_the_newest_generation(two: Any, content: str) -> None:
    (two.directory / "CURRENT").write_text(content, encoding="latin-1")
    index = live(two)
    assert (index.facts().generation, found(two, index)) == ("000002", stored(two))
    assert "CURRENT" in (index.facts().problem or "")
    assert build_generation(two.directory, two.features, EMBEDDER).generation == "000003"
    index.refresh()
    assert (index.facts().generation, index.facts().problem) == ("000003", None)


def test_without_any_good_generation_the_error_says_what_to_do(two: Any) -> None:
    for name in generation_names(two.directory):
        (two.directory / name / "rows.faiss").unlink()
    with pytest.raises(IndexCorrupt, match="similook index --rebuild"):
        live(two)


def test_damage_while_serving_is_found_by_the_check_in_the_background(two: Any) -> None:
    index = live(two)
    path = two.directory / "000002" / "rows.faiss"
    base = index._snapshot.base
    assert base is not None
    with path.open("r+b") as file:  # in place: the mapped file itself is damaged
        file.seek(500)
        file.write(b"\xff\x7f")
    with pytest.raises(IndexCorrupt):
        base.verify()
    index._scrub(base)
    index.refresh()
    assert (index.facts().generation, found(two, index)) == ("000001", stored(two))


def test_a_damaged_new_generation_leaves_the_old_one_serving(two: Any) -> None:
    index = live(two)
    shutil.copytree(two.directory / "000002", two.directory / "000003")
    flip(two.directory / "000003" / "rows.faiss", 0.5)
    set_current(two.directory, "000003")
    two.fill(4, first=300)
    index.refresh()
    assert (index.facts().generation, found(two, index)) == ("000002", stored(two))
    assert "000003" in (index.facts().problem or "")


def test_a_newer_format_is_refused(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("Data.index.manifest.FORMAT", 0)
    with pytest.raises(IndexCorrupt, match="update Similook"):
        read_manifest(two.directory / "000002")


def test_two_generations_and_their_log_are_kept(two: Any) -> None:
    for _ in range(3):
        two.fill(2, first=1000 + two.made)
        build_generation(two.directory, two.features, EMBEDDER)
    assert generation_names(two.directory) == ["000004", "000005"]
    assert rollback(two.directory).generation == "000004"
    assert found(two, live(two)) == stored(two)
    with pytest.raises(IndexMissing, match="rebuild"):
        rollback(two.directory)
    assert build_generation(two.directory, two.features, EMBEDDER).generation == "000006"
    assert generation_names(two.directory) == ["000004", "000006"]


def test_a_worker_that_slept_through_two_builds_catches_up(two: Any) -> None:
    index = live(two)
    for _ in range(3):
        two.fill(2, first=1000 + two.made)
        two.catalogue.delete([f"p{two.made % 30}"])
        build_generation(two.directory, two.features, EMBEDDER)
    two.fill(1, first=5000)
    index.refresh()
    assert (index.facts().generation, found(two, index)) == ("000005", stored(two))


@pytest.mark.parametrize("damaged", ["000001", "000002", "000007"])
def test_a_folder_without_its_manifest_stops_no_build_and_goes(two: Any, damaged: str) -> None:
    (two.directory / damaged).mkdir(exist_ok=True)
    (two.directory / damaged / "rows.faiss").write_bytes(b"half")
    (two.directory / damaged / "manifest.json").unlink(missing_ok=True)
    above = f"{max(2, int(damaged)) + 1:06d}"
    assert build_generation(two.directory, two.features, EMBEDDER).generation == above
    assert generation_names(two.directory) == ([above] if damaged == "000002" else ["000002", above])
    assert not (two.directory / damaged).exists()
    assert found(two, live(two)) == stored(two)


def test_nothing_to_build_from(shop: Any) -> None:
    with pytest.raises(IndexMissing, match="similook index"):
        build_generation(shop.directory, shop.features, EMBEDDER)
    assert list(shop.directory.iterdir()) == []


@pytest.mark.parametrize(("vector", "error"), [(np.zeros(16), VectorsInvalid), (np.full(16, np.nan), VectorsInvalid)])
def test_bad_vectors_in_the_database_stop_the_build(two: Any, vector: Any, error: type[Exception]) -> None:
    with two.catalogue.engine.execution_options(similook_write=True).begin() as connection:
        connection.execute(
            text("UPDATE features SET vector = :v WHERE picture_sha256 = :sha"),
            {"v": vector.astype("<f2").tobytes(), "sha": f"{5:064x}"},
        )
    with pytest.raises(error, match="embed its picture again"):
        build_generation(two.directory, two.features, EMBEDDER)
    assert current_name(two.directory) == "000002"
    assert sorted(path.name for path in two.directory.iterdir()) == ["000001", "000002", "CURRENT"]


def test_vectors_of_another_length_stop_the_build(two: Any) -> None:
    with two.catalogue.engine.execution_options(similook_write=True).begin() as connection:
        connection.execute(
            text("UPDATE features SET vector = :v WHERE picture_sha256 = :sha"),
            {"v": np.eye(1, 8, dtype="<f2").tobytes(), "sha": f"{5:064x}"},
        )
    with pytest.raises(DimensionMismatch, match="same embedder"):
        build_generation(two.directory, two.features, EMBEDDER)
    assert current_name(two.directory) == "000002"


def test_the_gate_refuses_what_would_find_less(shop: Any) -> None:
    shop.fill(30)
    build_generation(shop.directory, shop.features, EMBEDDER, evaluate=True)
    half = [product.pictures[0].sha256 for product in shop.catalogue.iterate()][:15]
    shop.features.put("embedder-b", [FeatureRow(sha, shop.vectors[sha]) for sha in half])
    with pytest.raises(GenerationRefused, match="15 vectors and 30"):
        build_generation(shop.directory, shop.features, "embedder-b", evaluate=True)
    assert sorted(path.name for path in shop.directory.iterdir()) == ["000001", "CURRENT"]
    assert build_generation(shop.directory, shop.features, "embedder-b").generation == "000002"


def test_a_generation_can_wait_for_its_switch(two: Any) -> None:
    index = live(two)
    staged = build_generation(two.directory, two.features, EMBEDDER, switch=False)
    index.refresh()
    assert index.facts().generation == current_name(two.directory) == "000002"
    set_current(two.directory, staged.generation)
    index.refresh()
    assert index.facts().generation == staged.generation == "000003"


def test_one_build_at_a_time(two: Any) -> None:
    with BuildLease(two.catalogue.engine, 30.0), pytest.raises(LeaseHeld, match="index-build"):
        build_generation(two.directory, two.features, EMBEDDER)
    assert build_generation(two.directory, two.features, EMBEDDER).generation == "000003"


def test_a_lost_lease_stops_the_build_before_the_switch(two: Any) -> None:
    def take_it_away(stage: str, done: int, total: int) -> None:
        with two.catalogue.engine.execution_options(similook_write=True).begin() as connection:
            connection.execute(text("UPDATE leases SET holder = 'another'"))
        lost.wait(5)

    class Waiting(BuildLease):
        def _renew(self) -> None:
            super()._renew()
            lost.set()

    import threading

    lost = threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "BuildLease", Waiting)
        with pytest.raises(LeaseHeld):
            build_generation(two.directory, two.features, EMBEDDER, progress=take_it_away, lease_ttl_s=0.3)
    assert current_name(two.directory) == "000002"


def test_what_killed_builds_left_is_removed(two: Any) -> None:
    (two.directory / "building-0123").mkdir()
    (two.directory / "building-0123" / "rows.faiss").write_bytes(b"half")
    build_generation(two.directory, two.features, EMBEDDER)
    assert not list(two.directory.glob("building-*"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_has_one_name(tmp_path: Path, number: int) -> None:
    with pytest.raises(IndexFull, match="make room"), disk_errors(tmp_path):
        raise OSError(number, os.strerror(number))
    with pytest.raises(IndexFull, match="make room"), disk_errors(tmp_path):
        raise RuntimeError(f"Error in write: write error: 12 != 40 ({os.strerror(number)})")
    with pytest.raises(OSError, match="Permission"), disk_errors(tmp_path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


TINY_DISK = """
    import shutil, subprocess, sys
    from pathlib import Path
    from types import SimpleNamespace
    from Data.catalogue import Catalogue
    from Data.errors import IndexFull
    from Data.features import Features
    from Data.index import builder
    from Data.index.live import LiveIndex
    root, kind, blind = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "blind"
    small = root / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={sys.argv[4]}", "tmpfs", str(small)], check=True)
    shutil.copytree(root / "index", small, dirs_exist_ok=True)
    catalogue = Catalogue.open(f"sqlite:///{root / 'catalogue.sqlite'}")
    features = Features(catalogue.engine)
    if blind:
        builder.shutil = SimpleNamespace(disk_usage=lambda path: SimpleNamespace(free=1 << 40), rmtree=shutil.rmtree)
    try:
        builder.build_generation(small, features, "embedder-a", kind=kind, factory="Flat" if kind == "faiss" else None)
    except IndexFull as error:
        left = sorted(path.name for path in small.iterdir())
        index = LiveIndex(small, catalogue.engine, "embedder-a")
        print("full", left, index.facts().generation, index.facts().product_count, error)
"""


@pytest.mark.parametrize(
    ("kind", "size", "blind"),
    [("exact", "150k", "careful"), ("exact", "150k", "blind"), ("exact", "300k", "blind"), ("faiss", "400k", "blind")],
)
def test_a_disk_that_is_full_leaves_the_last_generation(
    shop: Any, kind: str, size: str, blind: str, tmp_path: Path
) -> None:
    """A file system of so many bytes, in a mount namespace that ends with the process."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    shop.fill(30)
    build_generation(shop.directory, shop.features, EMBEDDER)
    shop.fill(1600, pictures=5, first=100)
    command = ["unshare", "-m", sys.executable, "-c", textwrap.dedent(TINY_DISK), str(tmp_path), kind, blind, size]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.startswith("full ['000001', 'CURRENT'] 000001 1630"), done.stdout + done.stderr
    assert "make room" in done.stdout


def test_the_process_keeps_no_files_open(two: Any) -> None:
    def open_files() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    before = open_files()
    for _ in range(20):
        live(two)
    assert open_files() <= before + 10
