"""The files of a source, in a folder, a tar or a zip: read by name, never unpacked.

A fingerprint says whether a file is still the one that it was, without reading it where that can be avoided: a sync
over a million pictures looks at their sizes and times, not at their bytes.
"""

import io
import lzma
import mmap
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from Data.errors import ImportFailed
from Data.importers.tar_index import Member, read_index


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

    def fingerprint(self, name: str) -> str | None:
        """Return a short text that changes when the file does, None where there is none of this name."""
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

    def fingerprint(self, name: str) -> str | None:
        """Return size and time of change to the nanosecond."""
        try:
            found = os.stat(f"{self._root}/{name}")  # noqa: PTH116 - a third of Path's time, a million times over
        except (OSError, ValueError):
            return None
        return f"{found.st_size}-{found.st_mtime_ns}"

    def _path(self, name: str) -> Path:
        try:
            path = (self._root / name).resolve()
        except (OSError, ValueError):
            raise FileNotFoundError(name) from None
        if not path.is_relative_to(self._root) or not path.is_file():
            raise FileNotFoundError(name)
        return path


class TarFiles:
    """Files inside an uncompressed tar, whose index is read once."""

    def __init__(self, path: Path) -> None:
        """Read the tar's index.

        Raises:
            ImportFailed: it is no tar, compressed, or cut off.
        """
        self._path = path
        self._members = read_index(path)
        with path.open("rb") as file:
            self._bytes = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        offset, size, _ = self._member(name)
        return bytes(self._bytes[offset : offset + size])

    def open(self, name: str) -> IO[bytes]:
        """Open a file; tables inside a tar are small enough to be held."""
        return io.BytesIO(self.read(name))

    def fingerprint(self, name: str) -> str | None:
        """Return size and time; in a tar without times, size and checksum, which is what a zip keeps."""
        member = self._members.get(name) or self._members.get(str(PurePosixPath(name)))
        if member is None:
            return None
        offset, size, mtime = member
        return f"{size}-{mtime or zlib.crc32(self._bytes[offset : offset + size])}"

    def _member(self, name: str) -> Member:
        member = self._members.get(name) or self._members.get(str(PurePosixPath(name)))
        if member is None:
            raise FileNotFoundError(name)
        return member


# What zipfile and the decompressors behind it raise at damaged bytes, or at a way of packing that they do not know.
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError)


class _ZippedFile(io.RawIOBase):
    """A file inside a zip that tells damage wherever it is met: many are read as a stream."""

    def __init__(self, file: IO[bytes], damaged: Callable[[Exception], ImportFailed]) -> None:
        self._file = file
        self._damaged = damaged

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except _DAMAGE as error:
            raise self._damaged(error) from error
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        try:
            return self._file.read()
        except _DAMAGE as error:
            raise self._damaged(error) from error

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except _DAMAGE as error:
            raise self._damaged(error) from error

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


class ZipFiles:
    """Files inside a zip, such as those that Kaggle hands out."""

    def __init__(self, path: Path) -> None:
        """Read the zip's index.

        Raises:
            ImportFailed: it is no zip, or cut off.
        """
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise ImportFailed(f"{path.name} cannot be read as a zip ({error}): fetch it again.") from error
        self._name = path.name

    def __del__(self) -> None:
        if hasattr(self, "_zip"):
            self._zip.close()

    def read(self, name: str) -> bytes:
        """Return a file's bytes.

        Raises:
            ImportFailed: the zip is damaged there.
        """
        with self.open(name) as file:
            return file.read()

    def open(self, name: str) -> IO[bytes]:
        """Open a file.

        Raises:
            ImportFailed: the zip is damaged there; reading raises it as well.
        """

        def damaged(error: Exception) -> ImportFailed:
            return ImportFailed(f"{self._name} cannot be read at {name} ({error}): fetch it again, or unpack it.")

        try:
            return io.BufferedReader(_ZippedFile(self._zip.open(name), damaged))
        except _DAMAGE as error:
            raise damaged(error) from error
        except (KeyError, RuntimeError):  # RuntimeError: encrypted
            raise FileNotFoundError(name) from None

    def fingerprint(self, name: str) -> str | None:
        """Return the size and checksum that the zip keeps."""
        try:
            found = self._zip.getinfo(name)
        except KeyError:
            return None
        return f"{found.file_size}-{found.CRC:08x}"


def open_files(path: Path) -> Files:
    """Open a folder, a tar or a zip.

    Raises:
        ImportFailed: it is none of them.
    """
    if path.is_dir():
        return FolderFiles(path)
    if path.is_file():
        return ZipFiles(path) if path.suffix.lower() == ".zip" else TarFiles(path)
    raise ImportFailed(f"There is no file or folder {path}: check the path.")
