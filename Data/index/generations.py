"""Generations on disk: index/<six digits>/ each complete or not there, and CURRENT, which names one of them.

A generation is written into a folder with another name, flushed to the disk, and renamed: whoever sees its name sees
all of it. CURRENT is replaced by a rename as well. So a process killed at any instant, or a power cut, leaves the last
good generation in place. Files of a generation never change; a reader that has it open keeps it after it was removed.
"""

import os
import random
import re
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from Data.durable import flush_folder
from Data.errors import ForeignEmbedder, IndexCorrupt, IndexMissing
from Data.index.base import VectorIndex
from Data.index.checksums import check_blocks, check_file
from Data.index.columns import Columns
from Data.index.kinds import kind_named
from Data.index.manifest import MANIFEST, Manifest, read_manifest
from Data.index.pack import read_pack
from Data.index.rows import Rows
from Data.index.words import narrow

CURRENT = "CURRENT"
ROWS, COLUMNS = "rows.faiss", "columns.pack"
BUILDING = "building-"
_NAME = re.compile(r"\d{6}")
_SAMPLED_BLOCKS = 16


@dataclass(frozen=True)
class VectorIds:
    """The vector_id of each row, rising.

    Args:
        first: The lowest.
        steps: What each lies above it; None stands for 0, 1, 2, ... Shape: (n,).
    """

    first: int
    steps: NDArray[Any] | None
    count: int

    @classmethod
    def of(cls, ids: NDArray[np.int64]) -> "VectorIds":
        """Hold rising vector_ids."""
        first = int(ids[0]) if len(ids) else 0
        dense = len(ids) > 0 and int(ids[-1]) - first == len(ids) - 1
        return cls(first, None if dense else narrow(ids - first), len(ids))

    def at(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the vector_ids of some rows."""
        return self.first + (rows if self.steps is None else self.steps[rows].astype(np.int64))

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each vector_id, -1 where there is none."""
        steps = ids - self.first
        if self.steps is None:
            return np.where((steps >= 0) & (steps < self.count), steps, -1)
        if not self.count:
            return np.full(len(ids), -1, np.int64)
        clipped = np.clip(steps, 0, int(self.steps[-1]))
        places = np.searchsorted(self.steps, clipped.astype(self.steps.dtype))
        return np.where(self.steps[places] == steps, places, -1)

    def save(self) -> dict[str, NDArray[Any]]:
        """Return the ids as arrays."""
        head = {"ids.first": np.array([self.first, self.count], np.int64)}
        return head if self.steps is None else head | {"ids.steps": np.ascontiguousarray(self.steps)}

    @classmethod
    def load(cls, arrays: dict[str, NDArray[Any]]) -> "VectorIds":
        """Read what save wrote."""
        first, count = arrays["ids.first"].tolist()
        return cls(first, arrays.get("ids.steps"), count)


@dataclass(frozen=True)
class Generation:
    """An open generation: everything a search needs, read-only, shared through the page cache by all processes."""

    folder: Path
    manifest: Manifest
    rows: Rows
    index: VectorIndex
    ids: VectorIds
    columns: Columns
    block_table: NDArray[np.uint32]

    def verify(self) -> None:
        """Check every byte of every file; a million vectors of 512 take a second once they are in memory.

        Raises:
            IndexCorrupt: a file is damaged.
        """
        for name, facts in self.manifest.files.items():
            check_file(self.folder / name, facts)
        check_blocks(self.folder / ROWS, self.block_table, range(len(self.block_table)))


def open_generation(directory: Path, name: str, embedder_id: str) -> Generation:
    """Open one generation: checks the size of every file, all bytes of all but the rows, and a sample of the rows.

    Raises:
        IndexCorrupt: a file is missing, cut short or damaged.
        ForeignEmbedder: its vectors come from another embedder.
    """
    folder = directory / name
    manifest = read_manifest(folder)
    if manifest.embedder_id != embedder_id:
        raise ForeignEmbedder(manifest.embedder_id, embedder_id)
    for file, facts in manifest.files.items():
        check_file(folder / file, facts)
    try:
        arrays = read_pack(folder / COLUMNS)
        table = arrays["rows.crc32"]
        last = len(table) - 1
        inner = (
            random.Random(os.urandom(8)).sample(range(1, last), _SAMPLED_BLOCKS)
            if last > _SAMPLED_BLOCKS
            else range(last)
        )
        check_blocks(folder / ROWS, table, sorted({0, last, *inner}))
        rows = Rows.open(folder / ROWS, manifest.dim, manifest.count)
        index = kind_named(manifest.kind).open(rows, folder, manifest.parameters)
        columns = Columns.load(arrays, manifest.count)
        return Generation(folder, manifest, rows, index, VectorIds.load(arrays), columns, table)
    except (KeyError, ValueError, RuntimeError, OSError) as error:
        raise IndexCorrupt(
            f"The generation {name} cannot be opened ({error}): "
            "run `similook index rollback`, or `similook index --rebuild`."
        ) from error


def current_name(directory: Path) -> str | None:
    """Return the name that CURRENT holds; None if there is no generation yet.

    Raises:
        IndexCorrupt: CURRENT is damaged.
    """
    try:
        text = (directory / CURRENT).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IndexCorrupt(f"{CURRENT} cannot be read ({error}): run `similook index rollback`.") from error
    name, _, checksum = text.strip().partition(" ")
    if not _NAME.fullmatch(name) or checksum != f"{zlib.crc32(name.encode()):08x}":
        raise IndexCorrupt(f"{CURRENT} is damaged: run `similook index rollback`, or `similook index --rebuild`.")
    return name


def set_current(directory: Path, name: str) -> None:
    """Make a generation the current one, at once and for good.

    Raises:
        OSError: it could not be written; the old one stays current.
    """
    beside = directory / f"{CURRENT}.new"
    with beside.open("w", encoding="ascii") as file:
        file.write(f"{name} {zlib.crc32(name.encode()):08x}\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(directory / CURRENT)
    flush_folder(directory)


def generation_names(directory: Path) -> list[str]:
    """Return the names of the complete generations, the oldest first."""
    return [name for name in taken_names(directory) if (directory / name / MANIFEST).is_file()]


def taken_names(directory: Path) -> list[str]:
    """Return the names of all generations, those without a manifest among them, the oldest first."""
    if not directory.is_dir():
        return []
    return sorted(path.name for path in directory.iterdir() if _NAME.fullmatch(path.name))


def next_name(directory: Path) -> str:
    """Return a name above all that are taken, for nothing can be renamed to one of those."""
    return f"{int(max(taken_names(directory), default='0')) + 1:06d}"


def publish(building: Path, name: str) -> Path:
    """Flush a finished folder to the disk and give it its name.

    Raises:
        OSError: the disk is full or failing; nothing has changed.
    """
    for path in building.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    flush_folder(building)
    final = building.rename(building.parent / name)
    flush_folder(final.parent)
    return final


def remove_leftovers(directory: Path) -> None:
    """Remove the folders that killed builds left; only the holder of the build lease may."""
    for path in directory.glob(f"{BUILDING}*"):
        shutil.rmtree(path, ignore_errors=True)


def remove_generation(directory: Path, name: str) -> None:
    """Remove a generation: first under another name, so that nobody ever sees half of one."""
    doomed = directory / f"{BUILDING}removed-{name}"
    (directory / name).rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def rollback(directory: Path) -> Manifest:
    """Make the generation before the current one current again and return its manifest.

    Workers notice within a second; they read the change log from where that generation ends, so nothing new is lost.

    Raises:
        IndexMissing: there is none to go back to.
        IndexCorrupt: it is damaged.
    """
    try:
        now = current_name(directory)
    except IndexCorrupt:
        now = None
    names = generation_names(directory)
    earlier = [name for name in names if now is None or name < now]
    if not earlier:
        raise IndexMissing("There is no earlier index generation to go back to: run `similook index --rebuild`.")
    manifest = read_manifest(directory / earlier[-1])
    for file, facts in manifest.files.items():
        check_file(directory / manifest.generation / file, facts)
    set_current(directory, manifest.generation)
    return manifest
