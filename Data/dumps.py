"""The tables of a catalogue as files, all of one instant, and back into either kind of database.

SQLite gives a copy of its file by the online backup API, PostgreSQL one file of JSON lines per table. Each can be
loaded into the other.
"""

import base64
import gzip
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Connection, Engine, LargeBinary, MetaData, Table, Text, cast, select

from Data.database import bulk_insert, reading
from Data.schema import metadata

# The log and the leases mean nothing to another database; parents come before children.
TABLES = ("products", "product_pictures", "pictures", "features", "index_state")
SQLITE_FILE = "catalogue.sqlite"
_ROWS = 2000


def dump(engine: Engine, folder: Path) -> list[Path]:
    """Write the tables as they are at one instant into a folder; writers go on meanwhile.

    Raises:
        DatabaseUnavailable.
    """
    if engine.dialect.name == "sqlite":
        return [_copy_file(engine, folder / SQLITE_FILE)]
    with reading(engine.execution_options(isolation_level="REPEATABLE READ")) as connection:
        return [_dump_table(connection, metadata.tables[name], folder) for name in TABLES]


def files_for(kind: str) -> list[str]:
    """Return the names of the files that `dump` writes for a kind of database."""
    return [SQLITE_FILE] if kind == "sqlite" else [f"{name}.jsonl.gz" for name in TABLES]


def load(connection: Connection, folder: Path) -> None:
    """Fill the empty tables of the connection's database from dumped files, in the caller's transaction."""
    reflected = MetaData()
    reflected.reflect(connection, only=TABLES)
    for name in TABLES:
        table = reflected.tables[name]
        connection.execute(table.delete())  # the row of index_state that the migration made
        columns, rows = _read_rows(folder, table)
        while batch := list(islice(rows, _ROWS)):
            bulk_insert(connection, table, columns, batch)


def referenced_pictures(folder: Path) -> Iterator[str]:
    """Yield the sha256 of each picture that the dumped rows show, in rising order."""
    table = metadata.tables["product_pictures"]
    columns, rows = _read_rows(folder, table)
    place = list(columns).index("picture_sha256")
    yield from sorted({row[place] for row in rows if row[place] is not None})


def count_rows(folder: Path, table: str) -> int:
    """Return the number of rows of a dumped table."""
    return sum(1 for _ in _read_rows(folder, metadata.tables[table])[1])


def _copy_file(engine: Engine, path: Path) -> Path:
    with reading(engine) as connection, closing(sqlite3.connect(path)) as copy:
        source: Any = connection.connection.driver_connection
        source.backup(copy)
        # One plain file: the copy would otherwise ask for a write-ahead log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
    return path


def _dump_table(connection: Connection, table: Table, folder: Path) -> Path:
    path = folder / f"{table.name}.jsonl.gz"
    query = select(*(cast(column, Text) if isinstance(column.type, JSON) else column for column in table.columns))
    binary = [number for number, column in enumerate(table.columns) if isinstance(column.type, LargeBinary)]
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=3) as file:
        file.write(json.dumps([column.name for column in table.columns]) + "\n")
        # A cursor on the server: memory holds one partition.
        result = connection.execution_options(yield_per=_ROWS).execute(query)
        for partition in result.partitions():
            for row in partition:
                values: list[Any] = list(row)
                for number in binary:
                    values[number] = base64.b64encode(values[number]).decode()
                file.write(json.dumps(values, ensure_ascii=False) + "\n")
    return path


def _read_rows(folder: Path, table: Table) -> tuple[Sequence[str], Iterator[Sequence[Any]]]:
    if (folder / SQLITE_FILE).exists():
        return _read_sqlite(folder / SQLITE_FILE, table.name)
    return _read_lines(folder / f"{table.name}.jsonl.gz", table)


def _read_sqlite(path: Path, table: str) -> tuple[Sequence[str], Iterator[Sequence[Any]]]:
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]

    def rows() -> Iterator[Sequence[Any]]:
        with closing(sqlite3.connect(path)) as connection:
            yield from connection.execute(f"SELECT {', '.join(columns)} FROM {table}")

    return columns, rows()


def _read_lines(path: Path, table: Table) -> tuple[Sequence[str], Iterator[Sequence[Any]]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        columns: list[str] = json.loads(file.readline())
    binary = [columns.index(column.name) for column in table.columns if isinstance(column.type, LargeBinary)]

    def rows() -> Iterator[Sequence[Any]]:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            file.readline()
            for line in file:
                values = json.loads(line)
                for number in binary:
                    values[number] = base64.b64decode(values[number])
                yield values

    return columns, rows()
