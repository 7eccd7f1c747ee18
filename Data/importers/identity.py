"""Telling rows apart, and the same row from a changed one, without reading it into a product."""

import json
import marshal
import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from types import TracebackType
from typing import Any, Self

from Data.importers.base import ImportedRow, Importer
from Data.text import has_unsafe_characters

FORMAT = b"2"
"""Part of every hash: raise it when the same row is to make another product."""

HALF = 32
"""Characters of a stored hash that are about all that a row says; as many follow about its pictures alone."""

HELD = 50_000
"""Ids that are kept in memory, some 10 MB; from there on they go into a temporary file."""

_BLANK = blake2b(digest_size=HALF // 2, person=FORMAT)


def key_of(row: ImportedRow) -> str | None:
    """Return a row's product_id as `id_of` does."""
    return id_of(row.values.get("product_id"))


def id_of(said: object) -> str | None:
    """Return what a source says for an id as it is stored: empty where it says none, None where it could not be one."""
    if said is None:
        return ""
    if not isinstance(said, (str, int)) or isinstance(said, bool):
        return None
    key = str(said).strip()
    return None if has_unsafe_characters(key) else key


def hash_row(row: ImportedRow, importer: Importer) -> str:
    """Return HALF hexadecimal digits over what a row says and over its pictures, without reading those."""
    return _digest((row.values, row.files, [*map(importer.fingerprint, row.files)], row.urls))


def hash_pictures(row: ImportedRow, importer: Importer) -> str:
    """Return HALF hexadecimal digits over a row's pictures alone, without reading them."""
    return _digest((row.files, [*map(importer.fingerprint, row.files)], row.urls))


def _digest(said: tuple[Any, ...]) -> str:
    try:
        # In its version 2 equal values give equal bytes, in half the time that repr takes.
        data = marshal.dumps(said, 2)
    except ValueError:  # a Decimal, say
        data = repr(said).encode("utf-8", "surrogatepass")
    digest = _BLANK.copy()  # half the time of making one
    digest.update(data)
    return digest.hexdigest()


class SeenIds:
    """The ids that a source has named so far; many of them lie in a temporary file: a feed may be larger than memory.

    Args:
        held: how many are kept in memory.
    """

    def __init__(self, held: int = HELD) -> None:
        self._held = held
        self._few: dict[str, int] | None = {}
        self._database = sqlite3.connect("", isolation_level=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the temporary file."""
        self._database.close()

    def add(self, rows: dict[str, int]) -> dict[str, int]:
        """Remember ids with the numbers of their rows; return those named before, with the rows that did so first."""
        if self._few is None:
            if self._insert(rows) == len(rows):
                return {}
            return {key: row for key, row in self.known(list(rows)).items() if row != rows[key]}
        earlier = {} if self._few.keys().isdisjoint(rows) else self.known(list(rows))
        self._few.update(rows)
        self._few.update(earlier)
        if len(self._few) > self._held:
            self._database.execute("PRAGMA journal_mode=OFF")
            self._database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, row INTEGER) WITHOUT ROWID")
            self._insert(self._few)
            self._few = None
        return earlier

    def known(self, ids: Sequence[str]) -> dict[str, int]:
        """Return those of the ids that have been named, with the number of their row."""
        if self._few is not None:
            return {key: self._few[key] for key in ids if key in self._few}
        found = self._database.execute(
            "SELECT id, row FROM seen WHERE id IN (SELECT value FROM json_each(?))", [json.dumps(ids)]
        )
        return dict(found.fetchall())

    def _insert(self, rows: dict[str, int]) -> int:
        """Insert what is not there yet, by one statement for all, and return how many were not."""
        before = self._database.total_changes
        given = json.dumps(rows)
        self._database.execute("INSERT OR IGNORE INTO seen SELECT key, value FROM json_each(?)", [given])
        return self._database.total_changes - before
