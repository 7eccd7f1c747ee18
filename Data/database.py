"""Engines and transactions: one way to read and one way to write, on SQLite and on PostgreSQL.

Writers take turns, on both databases: SQLite by BEGIN IMMEDIATE, PostgreSQL by locking the one row of index_state.
So the numbers of the change log rise in the order of the commits, and no writer sees half of another one's work.
"""

import json
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import (
    ARRAY,
    Column,
    Connection,
    Engine,
    Row,
    Select,
    String,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy import any_ as sql_any
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import DataError as ValueRefused
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.sql.elements import ColumnElement

from Data.errors import DatabaseError, DatabaseOutOfDate, DatabaseUnavailable
from Data.schema import index_state

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row whose columns' types the reader knows."""

BUSY_TIMEOUT_S = 30.0
"""How long a writer waits for its turn."""

_WRITE = "similook_write"
_WRITE_IT = "write sqlite:///path or postgresql://user:password@host/name"
_SQLITE_OPTIONS = ("timeout", "cached_statements")
"""Of those that Python's sqlite3 takes, the ones that are not decided here."""

_WAL_ATTEMPTS = 100
_MISSING_TABLE = ("no such table", "no such column", "undefinedtable", "undefinedcolumn")


def open_engine(url: str) -> Engine:
    """Return an engine; connections are made when needed.

    Args:
        url: sqlite:///path (and `timeout` in seconds) or postgresql://user:password@host/name (and any option of libpq,
            such as `sslmode`). A SQLite file's folder is made.
    Raises:
        DatabaseError: an address that cannot be used.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend == "sqlite":
            return _open_sqlite(parsed)
        if backend == "postgresql":
            return _open_postgresql(parsed)
    except (ArgumentError, ValueError):  # ValueError: a port or a number of seconds that is none
        raise DatabaseError(f"The database address cannot be read: {_WRITE_IT}.") from None
    raise DatabaseError(f"The database {backend!r} is not supported: use sqlite or postgresql.")


def _check_options(url: URL, known: Collection[str]) -> None:
    """Refuse what stands behind the question mark unless it is known. It is not repeated: it may be part of a password.

    Raises:
        DatabaseError: an option that is not known, or stands there twice.
    """
    if any(name not in known or (name != "host" and not isinstance(value, str)) for name, value in url.query.items()):
        raise DatabaseError(f"The database address has an option that is not known, or has it twice: {_WRITE_IT}.")


def _open_postgresql(url: URL) -> Engine:
    from psycopg.pq import Conninfo  # a catalogue on SQLite does without it

    _check_options(url, {option.keyword.decode() for option in Conninfo.get_defaults()})
    # pool_pre_ping: a server that was restarted costs a new connection, not an error.
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        connect_args={} if "connect_timeout" in url.query else {"connect_timeout": 10},
        json_deserializer=_read_json,
    )


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise DatabaseError("SQLite in memory cannot be shared by threads: give the path of a file.")
    _check_options(url, _SQLITE_OPTIONS)
    try:
        Path(url.database).expanduser().resolve().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(f"The folder of {url.database} cannot be made ({error.strerror}).") from error
    engine = create_engine(
        url,
        connect_args={} if "timeout" in url.query else {"timeout": BUSY_TIMEOUT_S},
        pool_size=10,
        max_overflow=20,
        json_deserializer=_read_json,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        # Python's own transaction handling would begin too late; ours stands in _begin.
        connection.isolation_level = None
        _enter_wal(connection)
        # FULL: what was committed outlives a power cut too; a batch is one commit, so it costs little.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-65536")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _read_json(text: str | bytes) -> Any:
    # Most products have no sizes, and most time in reading a product went into this.
    return [] if text in ("[]", b"[]") else json.loads(text)


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite does not wait for the lock it needs here when several processes open a new file at once."""
    for attempt in range(_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == _WAL_ATTEMPTS - 1:
                raise
            time.sleep(0.02)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn SQLAlchemy's errors into this package's."""
    try:
        yield
    except DBAPIError as error:
        said = f"{type(error.orig).__name__}: {error.orig}".strip().splitlines()[0]
        if any(sign in said.lower() for sign in _MISSING_TABLE):
            raise DatabaseOutOfDate(None, "newer tables") from error
        if isinstance(error, (IntegrityError, ProgrammingError, ValueRefused)):
            raise  # a fault of ours, to be seen as what it is
        raise DatabaseUnavailable(f"The database cannot be used at the moment ({said}); try again.") from error
    except PoolTimeout as error:
        raise DatabaseUnavailable("All connections to the database are in use; try again.") from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads; it never waits for a writer and sees whole transactions only.

    Raises:
        DatabaseUnavailable, DatabaseOutOfDate.
    """
    with _translated(), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine, serialise: bool = True) -> Iterator[Connection]:
    """Open a transaction that writes; it commits at the end and rolls back on any error.

    Args:
        serialise: Wait for all other writers first. Without it, only SQLite does so.
    Raises:
        DatabaseUnavailable: the turn did not come within BUSY_TIMEOUT_S.
        DatabaseOutOfDate: a table is missing.
    """
    with _translated(), engine.execution_options(**{_WRITE: True}).begin() as connection:
        if serialise and connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(BUSY_TIMEOUT_S * 1000)}ms'")
            connection.execute(select(index_state.c.id).with_for_update())
        yield connection


def bulk_insert(connection: Connection, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert many rows the fastest way that the database has: COPY on PostgreSQL, executemany on SQLite.

    Args:
        names: Columns, in the order of the values; JSON columns take their text.
    Raises:
        DatabaseUnavailable.
    """
    if not rows:
        return
    columns = ", ".join(names)
    if connection.dialect.name == "postgresql":
        driver = connection.dialect.loaded_dbapi
        cursor: Any = connection.connection.cursor()
        try:
            with cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        except (driver.OperationalError, driver.InterfaceError) as error:
            raise DatabaseUnavailable(f"The database cannot be used at the moment ({error}); try again.") from error
    else:
        marks = ", ".join("?" * len(names))
        values = [tuple(row) for row in rows]
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", values)


def fetch_tuples(connection: Connection, query: Select[Any]) -> list[tuple[Any, ...]]:
    """Return all rows of a query over plain texts and numbers as the driver gives them: for reads of many thousands.

    Unlike SQLAlchemy's rows, these leave nothing for Python's garbage collection to go through again and again.
    """
    cursor = connection.execute(query).cursor
    assert cursor is not None
    return list(cursor.fetchall())


def now_ms() -> int:
    """Return the milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def among(connection: Connection, column: Column[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Return the condition that the column holds one of any number of values.

    The values travel as one parameter, so there is no limit to their number and the statement stays the same text.
    """
    if isinstance(column.type, String) and not _plain("".join(values)):
        # No stored text holds these, and PostgreSQL refuses to be asked for them.
        values = [value for value in values if _storable(value)]
    if connection.dialect.name == "postgresql":
        return column == sql_any(bindparam(None, list(values), type_=ARRAY(column.type), unique=True))
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(listed.c.value))


def _plain(text: str) -> bool:
    return text.isascii() and "\x00" not in text


def _storable(text: str) -> bool:
    return _plain(text) or not any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in text)
