"""CRC-32 of files: of small ones as a whole, of the rows block by block, so that opening need not read them all."""

import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from Data.errors import IndexCorrupt
from Data.index.manifest import FileFacts

BLOCK_BYTES = 1 << 20


def file_facts(path: Path, blocks: str | None = None) -> FileFacts:
    """Return size and checksum of a file; of one with a block table the checksum is 0, the table holds them."""
    return FileFacts(bytes=path.stat().st_size, crc32=0 if blocks else _whole(path), blocks=blocks)


def block_table(path: Path) -> NDArray[np.uint32]:
    """Return the CRC-32 of each block of BLOCK_BYTES of a file."""
    with path.open("rb") as file:
        return np.array([zlib.crc32(block) for block in iter(lambda: file.read(BLOCK_BYTES), b"")], np.uint32)


def check_file(path: Path, facts: FileFacts) -> None:
    """Check the size of a file, and all of its bytes unless it has a block table.

    Raises:
        IndexCorrupt: they differ from what was written.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise damaged(path, "it is missing") from error
    if size != facts.bytes:
        raise damaged(path, f"it has {size} bytes, not {facts.bytes}")
    if facts.blocks is None and _whole(path) != facts.crc32:
        raise damaged(path, "its checksum differs")


def check_blocks(path: Path, table: NDArray[np.uint32], blocks: Iterable[int]) -> None:
    """Check some blocks of a file.

    Raises:
        IndexCorrupt: one differs from what was written.
    """
    with path.open("rb") as file:
        for block in blocks:
            file.seek(block * BLOCK_BYTES)
            if zlib.crc32(file.read(BLOCK_BYTES)) != table[block]:
                raise damaged(path, f"the checksum of its block {block} differs")


def damaged(path: Path, reason: str) -> IndexCorrupt:
    """Return the error that names a damaged file and the way out."""
    return IndexCorrupt(
        f"{path.parent.name}/{path.name} is damaged ({reason}): "
        "run `similook index rollback`, or `similook index --rebuild`."
    )


def _whole(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            checksum = zlib.crc32(block, checksum)
    return checksum
