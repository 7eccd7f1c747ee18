"""Telling rows apart, and the same row from a changed one, without reading it into a product."""

import json
import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from types import TracebackType
from typing import Self

from Data.importers.base import ImportedRow, Importer
from Data.text import has_unsafe_characters

FORMAT = b"2"
"""Part of every hash: raise it when the same row is to make another product."""

HALF = 32
"""Characters of a stored hash that are about all that a row says; as many follow about its pictures alone."""

_BLANK = blake2b(digest_size=HALF // 2, person=FORMAT)


def key_of(row: ImportedRow) -> str | None:
    """Return a row's product_id as it is stored; None where it has none that could be."""
    said = row.values.get("product_id")
    if not isinstance(said, (str, int)) or isinstance(said, bool):
        return None
    key = str(said).strip()
    return None if not key or has_unsafe_characters(key) else key


def hash_row(row: ImportedRow, importer: Importer) -> str:
    """Return HALF hexadecimal digits over what a row says and over its pictures, without reading those."""
    return _digest(f"{dict(row.values)}\x1e{_pictures(row, importer)}")


def hash_pictures(row: ImportedRow, importer: Importer) -> str:
    """Return HALF hexadecimal digits over a row's pictures alone, without reading them."""
    return _digest(_pictures(row, importer))


def _pictures(row: ImportedRow, importer: Importer) -> str:
    return "\x1f".join((*row.files, *map(str, map(importer.fingerprint, row.files)), "", *row.urls))


def _digest(text: str) -> str:
    digest = _BLANK.copy()  # half the time of making one
    digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


class SeenIds:
    """The ids that a source has named so far, in a temporary file: a feed may be larger than memory."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, row INTEGER) WITHOUT ROWID")

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
        before = self._database.total_changes
        # One statement for all: a third less time than one for each.
        given = json.dumps(rows)
        self._database.execute("INSERT OR IGNORE INTO seen SELECT key, value FROM json_each(?)", [given])
        if self._database.total_changes - before == len(rows):
            return {}
        return {key: row for key, row in self.known(list(rows)).items() if row != rows[key]}

    def known(self, ids: Sequence[str]) -> dict[str, int]:
        """Return those of the ids that have been named, with the number of their row."""
        found = self._database.execute(
            "SELECT id, row FROM seen WHERE id IN (SELECT value FROM json_each(?))", [json.dumps(ids)]
        )
        return dict(found.fetchall())
