"""Telling rows apart, and the same row from a changed one, without reading it into a product."""

import json
import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from types import TracebackType
from typing import Self

from Data.importers.base import ImportedRow, Importer
from Data.text import has_unsafe_characters

FORMAT = b"1"
"""Part of every hash: raise it when the same row is to make another product."""

HALF = 32
"""Characters of a hash that are about the text; as many follow about the pictures."""


def key_of(row: ImportedRow) -> str | None:
    """Return a row's product_id as it is stored; None where it has none that could be."""
    said = row.values.get("product_id")
    if not isinstance(said, (str, int)) or isinstance(said, bool):
        return None
    key = str(said).strip()
    return None if not key or has_unsafe_characters(key) else key


def hash_row(row: ImportedRow, importer: Importer) -> str:
    """Return 64 hexadecimal digits: half over what a row says, half over its pictures without reading them."""
    text = repr(list(row.values.items())).encode("utf-8", "surrogatepass")
    files = [f"{file}\x1e{importer.fingerprint(file)}" for file in row.files]
    pictures = "\x1f".join((*files, "", *row.urls)).encode("utf-8", "surrogatepass")
    return _digest(text) + _digest(pictures)


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=HALF // 2, person=FORMAT).hexdigest()


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
        self._database.execute("BEGIN")
        self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", rows.items())
        self._database.execute("COMMIT")
        if self._database.total_changes - before == len(rows):
            return {}
        return {key: row for key, row in self.known(list(rows)).items() if row != rows[key]}

    def known(self, ids: Sequence[str]) -> dict[str, int]:
        """Return those of the ids that have been named, with the number of their row."""
        found = self._database.execute(
            "SELECT id, row FROM seen WHERE id IN (SELECT value FROM json_each(?))", [json.dumps(ids)]
        )
        return dict(found.fetchall())
