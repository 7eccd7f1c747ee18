"""A lease: of several processes exactly one does a job, and another takes over once it has died."""

import time
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, delete, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from Data.database import reading, writing
from Data.errors import LeaseHeld
from Data.schema import leases


class Lease:
    """A named lease with a time to live; as a context manager it is acquired and released.

    Args:
        name: What is leased, for example "indexer".
        holder: Who asks; unique to the process, for example host and process id.
        ttl_s: Seconds until the lease runs out unless it is renewed; renew it at a third of that.
    """

    def __init__(self, engine: Engine, name: str, holder: str, ttl_s: float = 30.0) -> None:
        if ttl_s <= 0:
            raise ValueError("ttl_s must be above 0")
        self.name = name
        self.holder = holder
        self.ttl_s = ttl_s
        self._engine = engine

    def acquire(self) -> None:
        """Take the lease if it is free, run out, or ours already.

        Raises:
            LeaseHeld: another holder has it.
        """
        with writing(self._engine, serialise=False) as connection:
            now = _clock_ms(connection)
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            offer = insert(leases).values(name=self.name, holder=self.holder, expires_at=now + self._ttl_ms)
            taken = connection.execute(
                offer.on_conflict_do_update(
                    index_elements=["name"],
                    set_={"holder": offer.excluded.holder, "expires_at": offer.excluded.expires_at},
                    where=or_(leases.c.expires_at <= now, leases.c.holder == self.holder),
                ).returning(leases.c.name)
            ).first()
        if taken is None:
            raise LeaseHeld(self.name, self.current_holder())

    def renew(self) -> None:
        """Extend the lease to ttl_s from now.

        Raises:
            LeaseHeld: it ran out and may have been taken; stop the job.
        """
        with writing(self._engine, serialise=False) as connection:
            now = _clock_ms(connection)
            renewed = connection.execute(
                update(leases)
                .where(leases.c.name == self.name, leases.c.holder == self.holder, leases.c.expires_at > now)
                .values(expires_at=now + self._ttl_ms)
            ).rowcount
        if not renewed:
            raise LeaseHeld(self.name, self.current_holder())

    def release(self) -> None:
        """Give the lease back; without effect where it is another's."""
        with writing(self._engine, serialise=False) as connection:
            connection.execute(delete(leases).where(leases.c.name == self.name, leases.c.holder == self.holder))

    def current_holder(self) -> str | None:
        """Return who holds the lease now, None if nobody does."""
        with reading(self._engine) as connection:
            now = _clock_ms(connection)
            query = select(leases.c.holder).where(leases.c.name == self.name, leases.c.expires_at > now)
            return connection.execute(query).scalar_one_or_none()

    @property
    def _ttl_ms(self) -> int:
        return max(1, int(self.ttl_s * 1000))

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _clock_ms(connection: Connection) -> int:
    """Return the time on the one clock that all holders share: the server's, or this machine's for a file."""
    if connection.dialect.name == "postgresql":
        return int(connection.execute(text("SELECT extract(epoch FROM clock_timestamp()) * 1000")).scalar_one())
    return time.time_ns() // 1_000_000
