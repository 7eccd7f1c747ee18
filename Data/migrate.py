"""Moving the tables from one revision to another, without a configuration file."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from Data.database import reading, writing
from Data.errors import DatabaseOutOfDate

_SCRIPTS = Path(__file__).parent / "migrations"
# Any fixed number: PostgreSQL lets one session at a time hold it.
_MIGRATION_LOCK = 0x5196_100C


def head() -> str:
    """Return the revision that this program was written for."""
    found = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    assert found is not None
    return found


def current(engine: Engine) -> str | None:
    """Return the database's revision, None for an empty one.

    Raises:
        DatabaseUnavailable.
    """
    with reading(engine) as connection:
        return revision_of(connection)


def check(engine: Engine) -> None:
    """Raise DatabaseOutOfDate unless the database is at this program's revision."""
    found = current(engine)
    if found != head():
        raise DatabaseOutOfDate(found, head())


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables up to a revision in one transaction; callers at the same time wait and then find it done.

    Raises:
        DatabaseOutOfDate: the database is newer than this program.
        DatabaseUnavailable.
    """
    _move(engine, command.upgrade, head() if revision == "head" else revision, only_from_below=True)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the tables back to an older revision ("base" removes them, and all data) in one transaction.

    Raises:
        DatabaseOutOfDate: the database is newer than this program.
        DatabaseUnavailable.
    """
    _move(engine, command.downgrade, revision, only_from_below=False)


def known() -> frozenset[str]:
    """Return all revisions that this program can read."""
    return frozenset(script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions())


def lock(connection: Connection) -> None:
    """Keep other migrations out until the transaction ends; SQLite's own transaction does so already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})


def revision_of(connection: Connection) -> str | None:
    """Return the database's revision, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def rebuild(connection: Connection, revision: str, fill: Callable[[], None]) -> None:
    """Make all tables anew at a revision, fill them and bring them up to date, in the caller's transaction."""
    config = _config(connection)
    if revision_of(connection) is not None:
        command.downgrade(config, "base")
    command.upgrade(config, revision)
    fill()
    command.upgrade(config, "head")


def _move(engine: Engine, move: Callable[[Config, str], None], revision: str, only_from_below: bool) -> None:
    # Taking turns by the row of index_state needs a table that may not exist yet.
    with writing(engine, serialise=False) as connection:
        lock(connection)
        found = revision_of(connection)
        if found is not None and found not in known():
            raise DatabaseOutOfDate(found, head())
        if found == revision or (only_from_below and found is not None and found >= revision):
            return
        move(_config(connection), revision)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
