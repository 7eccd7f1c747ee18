"""Several arrays in one file, mapped as one: a JSON directory, then the arrays, each at a multiple of 64 bytes.

Layout: 8 bytes magic, 8 bytes little-endian length of the directory, the directory, padding, the arrays.
The directory is {name: [dtype, shape, offset]}; offsets count from the first multiple of 64 after the directory.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from Data.errors import IndexCorrupt

_MAGIC = b"SIMPACK1"
_ALIGN = 64
_KINDS = frozenset(("|b1", "|u1", "<u2", "<u4", "<u8", "<i8", "<f2", "<f4"))

Arrays = Mapping[str, NDArray[Any]]


def write_pack(path: Path, arrays: Arrays) -> None:
    """Write the arrays to a file.

    Raises:
        OSError: the file cannot be written.
    """
    directory: dict[str, tuple[str, list[int], int]] = {}
    offset = 0
    for name, array in arrays.items():
        directory[name] = (array.dtype.str, list(array.shape), offset)
        offset += _padded(array.nbytes)
    text = json.dumps(directory, separators=(",", ":")).encode()
    with path.open("wb") as file:
        file.write(_MAGIC + len(text).to_bytes(8, "little") + text)
        file.write(b"\0" * (_padded(file.tell()) - file.tell()))
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).data)
            file.write(b"\0" * (_padded(array.nbytes) - array.nbytes))


def read_pack(path: Path) -> dict[str, NDArray[Any]]:
    """Map a file that write_pack wrote; the arrays are read-only views of it.

    Raises:
        IndexCorrupt: it is not such a file, or it is cut short.
    """
    try:
        whole = np.memmap(path, np.uint8, "r")
        if bytes(whole[:8]) != _MAGIC:
            raise ValueError("wrong magic")
        length = int.from_bytes(bytes(whole[8:16]), "little")
        start = _padded(16 + length)
        directory = json.loads(bytes(whole[16 : 16 + length]))
        return {name: _view(whole, start, *entry) for name, entry in directory.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise IndexCorrupt(f"{path.name} is damaged ({error}): run `similook index --rebuild`.") from error


def _view(whole: NDArray[np.uint8], start: int, kind: str, shape: list[int], offset: int) -> NDArray[Any]:
    if kind not in _KINDS:
        raise ValueError(f"unknown type {kind!r}")
    dtype = np.dtype(kind)
    size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    part = whole[start + offset : start + offset + size]
    if len(part) != size:
        raise ValueError("cut short")
    return np.frombuffer(part, dtype).reshape(shape)


def _padded(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN
