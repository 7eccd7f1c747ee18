"""The change log: what every search worker follows to keep its index in step.

'upsert': this vector_id has a feature now. 'meta': a column of its product changed (price, stock, category, brand...).
'delete': the vector_id is gone and never comes back. Numbers are taken from index_state in the transaction that makes
the change, with writers taking turns, so they become visible in rising order and a follower misses none.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, Engine, delete, func, select, update

from Data.database import AnyRow, bulk_insert, now_ms, reading, writing
from Data.errors import ChangesPruned
from Data.records import Change, ChangeOp
from Data.schema import changes, index_state


class ChangeLog:
    """Reads the change log. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def last_seq(self) -> int:
        """Return the number of the last change, 0 before the first."""
        with reading(self._engine) as connection:
            return connection.execute(select(index_state.c.seq)).scalar_one()

    def since(self, seq: int, limit: int = 10_000) -> list[Change]:
        """Return the changes after seq in rising order, at most limit of them.

        Raises:
            ChangesPruned: some of them have been removed, or seq is not of this log at all.
        """
        with reading(self._engine) as connection:
            query = (
                select(changes.c.seq, changes.c.op, changes.c.vector_id, changes.c.product_id)
                .where(changes.c.seq > seq)
                .order_by(changes.c.seq)
                .limit(limit)
            )
            found = connection.execute(query).all()
            # Asked for last: PostgreSQL shows each statement the newest commits, so a prune in between is noticed.
            state = connection.execute(select(index_state.c.pruned_through, index_state.c.seq)).one()
        if seq < state.pruned_through or seq > state.seq:
            # A number above the last one is of a database that has been replaced by an older one.
            raise ChangesPruned(seq, state.pruned_through)
        return [Change(*row) for row in found]

    def prune(self, before_seq: int) -> int:
        """Remove the changes below before_seq and return how many there were; followers must be past them."""
        with writing(self._engine) as connection:
            last = connection.execute(select(index_state.c.seq)).scalar_one()
            through = min(before_seq - 1, last)
            connection.execute(
                update(index_state).where(index_state.c.pruned_through < through).values(pruned_through=through)
            )
            return connection.execute(delete(changes).where(changes.c.seq <= through)).rowcount

    def __len__(self) -> int:
        with reading(self._engine) as connection:
            return connection.execute(select(func.count()).select_from(changes)).scalar_one()


def read_state(connection: Connection) -> AnyRow:
    """Return the row of index_state; inside `writing` it stays as it is until the end."""
    return connection.execute(select(index_state)).one()


def take_vector_ids(connection: Connection, count: int) -> range:
    """Take vector_ids that have never been used and never will be again."""
    after = connection.execute(
        update(index_state)
        .values(next_vector_id=index_state.c.next_vector_id + count)
        .returning(index_state.c.next_vector_id)
    ).scalar_one()
    return range(after - count, after)


def log_changes(connection: Connection, entries: Iterable[tuple[ChangeOp, int, str]]) -> None:
    """Append (op, vector_id, product_id) to the log within the transaction that makes the change."""
    rows = list(entries)
    if not rows:
        return
    last = connection.execute(
        update(index_state).values(seq=index_state.c.seq + len(rows)).returning(index_state.c.seq)
    ).scalar_one()
    now = now_ms()
    bulk_insert(
        connection,
        changes,
        ("seq", "op", "vector_id", "product_id", "created_at"),
        [(seq, *entry, now) for seq, entry in enumerate(rows, last - len(rows) + 1)],
    )
