"""The picture store: files keyed by the sha256 of their content, on a disk or in any store that fsspec can reach."""

import os
import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256 as sha256_of
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from Data.durable import flush_folder
from Data.errors import ImageNotFound, ImageStoreError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEMPORARY = ".writing-"
_SYNC_THREADS = 8


def relative_path(sha256: str) -> str:
    """Return where a picture lies in the store: ab/cd/<sha256>."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


class ImageStore:
    """Pictures by the sha256 of their bytes. A picture is there whole or not at all, whoever writes at the same time.

    Args:
        location: A folder, or an fsspec address (file://, s3://bucket/prefix, memory://...).
    Raises:
        ImageStoreError: the kind of address is unknown.
    """

    def __init__(self, location: str | Path) -> None:
        self.location = str(location)
        try:
            # Buckets are listed anew each time: another process writes to them as well.
            self._fs, self._root = fsspec.core.url_to_fs(self.location, use_listings_cache=False)
        except (ValueError, ImportError) as error:
            raise ImageStoreError(f"The picture store {self.location!r} cannot be used ({error}).") from error
        self._root = self._root.rstrip("/")
        self._local = isinstance(self._fs, LocalFileSystem)

    def path_layout(self, sha256: str) -> str:
        """Return the full path of a picture in its file system.

        Raises:
            ImageNotFound: not a sha256, so nothing can lie there.
        """
        if _SHA256.fullmatch(sha256) is None:
            raise ImageNotFound(sha256)
        return f"{self._root}/{relative_path(sha256)}"

    def local_path(self, sha256: str) -> Path | None:
        """Return the file of a picture where the store is a folder and the file exists, else None."""
        if not self._local:
            return None
        path = Path(self.path_layout(sha256))
        return path if path.is_file() else None

    def put(self, data: bytes) -> str:
        """Store a picture and return its sha256; one that is there already is left as it is.

        Raises:
            ImageStoreError: the store cannot be written to.
        """
        return self.put_many([data])[0]

    def put_many(self, pictures: list[bytes]) -> list[str]:
        """Store pictures and return their sha256s; on a disk the waits for it overlap, which is several times faster.

        Raises:
            ImageStoreError: the store cannot be written to.
        """
        keys = [sha256_of(data).hexdigest() for data in pictures]
        missing = {key: data for key, data in zip(keys, pictures, strict=True) if not self.exists(key)}
        try:
            if self._local:
                self._put_files(missing)
            else:
                for key, data in missing.items():
                    self._fs.makedirs(self.path_layout(key).rsplit("/", 1)[0], exist_ok=True)
                    self._fs.pipe_file(self.path_layout(key), data)
        except OSError as error:
            raise ImageStoreError(f"The picture store {self.location} cannot be written to ({error}).") from error
        return keys

    def _put_files(self, pictures: dict[str, bytes]) -> None:
        """Write files by their keys; when it returns, they outlive a power cut, as the rows do that will show them."""
        if not pictures:
            return
        root = Path(self._root)
        made = [folder for folder in (root, *root.parents) if not folder.is_dir()]
        folders = {folder.parent for folder in made} | {root}
        for key in pictures:
            folders.update(Path(self.path_layout(key)).parents[:2])
        with ThreadPoolExecutor(_SYNC_THREADS) as pool:
            list(pool.map(self._put_file, pictures, pictures.values()))
            # Those that were there before as well: another process may have made them a moment ago.
            list(pool.map(flush_folder, folders))

    def _put_file(self, key: str, data: bytes) -> None:
        """Write beside the place and rename: a reader or a crash never meets half a file."""
        path = Path(self.path_layout(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{_TEMPORARY}{key[:8]}-{os.getpid()}-{secrets.token_hex(4)}")
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def get(self, sha256: str) -> bytes:
        """Return a picture's bytes.

        Raises:
            ImageNotFound, ImageStoreError.
        """
        path = self.path_layout(sha256)
        try:
            return Path(path).read_bytes() if self._local else bytes(self._fs.cat_file(path))
        except FileNotFoundError:
            raise ImageNotFound(sha256) from None
        except OSError as error:
            raise ImageStoreError(f"The picture store {self.location} cannot be read ({error}).") from error

    def exists(self, sha256: str) -> bool:
        """Return whether the picture is there.

        Raises:
            ImageStoreError.
        """
        if _SHA256.fullmatch(sha256) is None:
            return False
        path = self.path_layout(sha256)
        try:
            return os.path.isfile(path) if self._local else bool(self._fs.exists(path))  # noqa: PTH113
        except OSError as error:
            raise ImageStoreError(f"The picture store {self.location} cannot be read ({error}).") from error

    def delete(self, sha256: str) -> bool:
        """Delete a picture; return whether it was there.

        Raises:
            ImageStoreError.
        """
        if not self.exists(sha256):
            return False
        try:
            self._fs.rm_file(self.path_layout(sha256))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ImageStoreError(f"The picture store {self.location} cannot be written to ({error}).") from error
        return True

    def iter_sha256(self) -> Iterator[str]:
        """Yield the keys of all pictures in rising order; memory holds one folder's.

        Raises:
            ImageStoreError.
        """
        for first in self._names(self._root, 2):
            for second in self._names(f"{self._root}/{first}", 2):
                for name in self._names(f"{self._root}/{first}/{second}", 64):
                    if _SHA256.fullmatch(name):
                        yield name

    def _names(self, folder: str, length: int) -> list[str]:
        try:
            listed: list[Any] = self._fs.ls(folder, detail=False)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ImageStoreError(f"The picture store {self.location} cannot be read ({error}).") from error
        names = (str(path).rstrip("/").rsplit("/", 1)[-1] for path in listed)
        return sorted(name for name in names if len(name) == length)
