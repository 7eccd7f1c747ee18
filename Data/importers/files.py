"""The files of a source, in a folder or in a tar: read by name, never unpacked."""

import io
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from Data.errors import ImportFailed


class Files(Protocol):
    """Files by their name relative to the source's root."""

    def read(self, name: str) -> bytes:
        """Return a file's bytes.

        Raises:
            FileNotFoundError: there is none of this name.
        """
        ...

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading from its start.

        Raises:
            FileNotFoundError: there is none of this name.
        """
        ...


class FolderFiles:
    """Files below a folder. A name never leads out of it."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        return self._path(name).read_bytes()

    def open(self, name: str) -> IO[bytes]:
        """Open a file."""
        return self._path(name).open("rb")

    def _path(self, name: str) -> Path:
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root) or not path.is_file():
            raise FileNotFoundError(name)
        return path


class TarFiles:
    """Files inside an uncompressed tar, whose index is read once; each read opens the tar for itself."""

    def __init__(self, path: Path) -> None:
        """Read the tar's index.

        Raises:
            ImportFailed: it is no tar, compressed, or cut off.
        """
        self._path = path
        try:
            with tarfile.open(path, "r:") as tar:
                self._places = {
                    str(PurePosixPath(member.name)): (member.offset_data, member.size)
                    for member in tar.getmembers()
                    if member.isfile()
                }
        except (tarfile.TarError, OSError, EOFError) as error:
            raise ImportFailed(f"{path.name} cannot be read as an uncompressed tar ({error}): unpack it.") from error

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        place = self._places.get(str(PurePosixPath(name)))
        if place is None:
            raise FileNotFoundError(name)
        with self._path.open("rb") as file:
            file.seek(place[0])
            return file.read(place[1])

    def open(self, name: str) -> IO[bytes]:
        """Open a file; tables inside a tar are small enough to be held."""
        return io.BytesIO(self.read(name))


def open_files(path: Path) -> Files:
    """Open a folder or a tar.

    Raises:
        ImportFailed: it is neither.
    """
    if path.is_dir():
        return FolderFiles(path)
    if path.is_file():
        return TarFiles(path)
    raise ImportFailed(f"There is no file or folder {path}: check the path.")
