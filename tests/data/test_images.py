"""The picture store on a disk and elsewhere."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from threading import Event
from uuid import uuid4

import fsspec
import pytest

from Data.errors import ImageNotFound, ImageStoreError
from Data.images import ImageStore


@pytest.fixture(params=["folder", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ImageStore]:
    if request.param == "memory":
        name = f"memory://{uuid4().hex}"
        yield ImageStore(f"{name}/pictures")
        files = fsspec.filesystem("memory")
        if files.exists(name):
            files.rm(name, recursive=True)
    else:
        yield ImageStore(f"file://{tmp_path}/pictures/" if request.param == "file" else tmp_path / "pictures")


def test_pictures_by_their_content(store: ImageStore) -> None:
    assert list(store.iter_sha256()) == []
    data = [os.urandom(size) for size in (0, 1, 1000, 100_000)]
    keys = [store.put(picture) for picture in data]
    assert keys == [sha256(picture).hexdigest() for picture in data]
    assert store.put_many([*data, b"one more", b"one more"])[:4] == keys
    assert [store.get(key) for key in keys] == data
    assert all(store.exists(key) for key in keys)
    assert list(store.iter_sha256()) == sorted([*keys, sha256(b"one more").hexdigest()])
    assert store.path_layout(keys[1]).endswith(f"/{keys[1][:2]}/{keys[1][2:4]}/{keys[1]}")
    assert store.delete(keys[1])
    assert not store.delete(keys[1])
    assert not store.exists(keys[1])
    with pytest.raises(ImageNotFound, match=keys[1]):
        store.get(keys[1])


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_key_is_a_sha256(store: ImageStore, key: str) -> None:
    with pytest.raises(ImageNotFound):
        store.get(key)
    assert not store.exists(key)
    assert not store.delete(key)


def test_an_unknown_kind_of_store() -> None:
    with pytest.raises(ImageStoreError, match="cannot be used"):
        ImageStore("nosuch://place")


def test_local_files(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    key = store.put(b"picture")
    path = store.local_path(key)
    assert path is not None
    assert path.read_bytes() == b"picture"
    assert store.local_path("0" * 64) is None
    assert ImageStore("memory://x").local_path(key) is None
    assert [entry.name for entry in path.parent.iterdir()] == [key]  # nothing else is left lying


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = ImageStore(tmp_path / "file")
    with pytest.raises(ImageStoreError, match="cannot be written"):
        store.put(b"picture")


def test_what_a_crash_left_is_no_picture(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    key = store.put(b"picture")
    (tmp_path / key[:2] / key[2:4] / f".writing-{'0' * 55}").write_bytes(b"pict")
    (tmp_path / "notes.txt").write_text("x")
    assert list(store.iter_sha256()) == [key]


def test_what_was_put_outlives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is flushed before it has its name, and then every folder that got a new name, up to one that stood."""
    flushed: dict[str, set[str]] = {}
    real = os.fsync

    def note(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        flushed[str(path)] = {entry.name for entry in path.iterdir()} if path.is_dir() else set()
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    store = ImageStore(tmp_path / "new" / "pictures")
    for pictures in ([b"one"], [b"two", b"three", b"four"]):
        flushed.clear()
        for key in store.put_many(pictures):
            path = store.local_path(key)
            assert path is not None
            assert any(f".writing-{key[:8]}" in name for name in flushed)
            while path != tmp_path / "new" / "pictures":
                assert path.name in flushed[str(path.parent)]
                path = path.parent
        if pictures == [b"one"]:
            assert "pictures" in flushed[str(tmp_path / "new")] and "new" in flushed[str(tmp_path)]
    flushed.clear()
    store.put_many([b"one", b"two"])
    assert flushed == {}


def test_a_reader_never_meets_half_a_picture(tmp_path: Path) -> None:
    writer, reader = ImageStore(tmp_path), ImageStore(tmp_path)
    pictures = [bytes([number]) * 300_000 for number in range(30)]
    keys = [sha256(picture).hexdigest() for picture in pictures]
    done = Event()

    def read() -> int:
        seen = 0
        while not done.is_set():
            for key, picture in zip(keys, pictures, strict=True):
                if reader.exists(key):
                    assert reader.get(key) == picture
                    seen += 1
        return seen

    with ThreadPoolExecutor(2) as pool:
        counts = [pool.submit(read) for _ in range(2)]
        try:
            for _ in range(3):
                for picture in pictures:
                    writer.put(picture)
                writer.put_many(pictures)
        finally:
            done.set()
        assert all(count.result() > 0 for count in counts)
