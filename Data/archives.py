"""A folder or a tar file to put named files into and to read them back from; it appears whole or not at all."""

import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Protocol

from Data.errors import BackupError, BackupInvalid

_TAR = (".tar", ".tar.gz", ".tgz")


class ArchiveWriter(Protocol):
    """Takes files in; names are relative, with forward slashes."""

    def add_file(self, name: str, path: Path) -> None:
        """Copy a file in."""

    def add_bytes(self, name: str, data: bytes) -> None:
        """Put bytes in as a file."""


class ArchiveReader(Protocol):
    """Gives files out."""

    def names(self) -> Iterator[str]:
        """Yield the names of all files, in the order that is fastest to read."""

    def read(self, name: str) -> bytes:
        """Return a file's bytes; KeyError if there is none of this name."""

    def copy_out(self, name: str, path: Path) -> None:
        """Write a file to a path; KeyError if there is none of this name."""


@contextmanager
def new_archive(target: Path) -> Iterator[ArchiveWriter]:
    """Open a new archive: a tar file if the name ends in .tar, .tar.gz or .tgz, else a folder.

    It is written beside its place and moved there at the end; after an error nothing is left.

    Raises:
        BackupError: the place is taken, or cannot be written to.
    """
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise BackupError(f"{target} exists already: give another place, or move it away.")
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"{target} cannot be written to ({error}).") from error
    try:
        if target.name.endswith(_TAR):
            with tarfile.open(partial, "w" if target.name.endswith(".tar") else "w:gz") as tar:
                yield _TarWriter(tar)
        else:
            partial.mkdir()
            yield _FolderWriter(partial)
        os.sync()  # all files at once; one by one would take minutes for a large catalogue
        partial.replace(target)
    except OSError as error:
        raise BackupError(f"{target} cannot be written to ({error}).") from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        else:
            partial.unlink(missing_ok=True)


@contextmanager
def open_archive(source: Path) -> Iterator[ArchiveReader]:
    """Open a folder or a tar file for reading.

    Raises:
        BackupInvalid: neither, or a damaged tar file.
    """
    if source.is_dir():
        yield _FolderReader(source)
        return
    with _readable():
        tar = tarfile.open(source)  # noqa: SIM115 - closed below; what the caller does is not to be translated
    with tar:
        yield _TarReader(tar)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise BackupInvalid(f"The backup cannot be read ({error}): give another one.") from error


class _FolderWriter:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add_file(self, name: str, path: Path) -> None:
        shutil.copyfile(path, self._place(name))

    def add_bytes(self, name: str, data: bytes) -> None:
        self._place(name).write_bytes(data)

    def _place(self, name: str) -> Path:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class _TarWriter:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add_file(self, name: str, path: Path) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = path.stat().st_size
        with path.open("rb") as file:
            self._tar.addfile(entry, file)

    def add_bytes(self, name: str, data: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        self._tar.addfile(entry, BytesIO(data))


class _FolderReader:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> Iterator[str]:
        for parent, folders, files in os.walk(self._folder):
            folders.sort()
            for name in sorted(files):
                yield (Path(parent) / name).relative_to(self._folder).as_posix()

    def read(self, name: str) -> bytes:
        with _readable():
            return self._path(name).read_bytes()

    def copy_out(self, name: str, path: Path) -> None:
        with _readable():
            shutil.copyfile(self._path(name), path)

    def _path(self, name: str) -> Path:
        path = self._folder / name
        # A name comes from the backup itself, which may be anybody's.
        if not path.is_file() or not path.resolve().is_relative_to(self._folder.resolve()):
            raise KeyError(name)
        return path


class _TarReader:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        # Read into memory or to a path of ours only, never to the path that an entry names.
        with _readable():
            self._entries = {entry.name: entry for entry in tar.getmembers() if entry.isfile()}

    def names(self) -> Iterator[str]:
        yield from self._entries

    def read(self, name: str) -> bytes:
        with _readable():
            file = self._tar.extractfile(self._entries[name])
            return b"" if file is None else file.read()

    def copy_out(self, name: str, path: Path) -> None:
        with _readable():
            file = self._tar.extractfile(self._entries[name])
            if file is not None:
                with path.open("wb") as out:
                    shutil.copyfileobj(file, out)
