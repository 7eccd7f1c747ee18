"""Empty databases of both kinds: a SQLite file, and a schema of a PostgreSQL server that is started for the run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy.engine import make_url

from tests.databases import empty_schema

KINDS = ("sqlite", "postgresql")


@contextmanager
def empty_database(kind: str, folder: Path, server: str | None) -> Iterator[str]:
    """Yield the address of a database without tables; it is removed afterwards.

    Args:
        kind: one of KINDS.
        folder: for SQLite's file.
        server: PostgreSQL's address, needed for that kind.
    """
    if kind == "postgresql":
        assert server is not None
        with empty_schema(server) as url:
            yield url
        return
    name = f"bench_{uuid4().hex}"
    try:
        yield f"sqlite:///{folder / name}.sqlite"
    finally:
        for file in folder.glob(f"{name}.sqlite*"):
            file.unlink()


def database_bytes(url: str) -> int:
    """Return what a database's tables and indexes take on disk."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return sum(file.stat().st_size for file in Path(parsed.database or "").parent.glob(f"{Path(url).name}*"))
    with psycopg.connect(url) as connection:
        query = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = "
        row = connection.execute(query + "current_schema()::regnamespace").fetchone()
    return int(row[0]) if row else 0
