"""What guards a build: the lease that keeps others out, and one error for every way in which a disk is full."""

import errno
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from Data.errors import DatabaseError, IndexFull, LeaseHeld
from Data.leases import Lease

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_TEXTS = tuple(os.strerror(number) for number in sorted(_FULL))


@contextmanager
def disk_errors(directory: Path) -> Iterator[None]:
    """Turn a full disk into IndexFull, whether Python or Faiss met it."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _full(directory, error) from error
        raise
    except RuntimeError as error:  # Faiss puts the system's words into its own
        if any(text in str(error) for text in _FULL_TEXTS):
            raise _full(directory, error) from error
        raise


def _full(directory: Path, error: Exception) -> IndexFull:
    reason = error.strerror if isinstance(error, OSError) else "the disk is full"
    return IndexFull(
        f"The index could not be written to {directory} ({reason}): make room and build again; "
        "the last generation is still served."
    )


class BuildLease:
    """Holds the lease "index-build" and renews it from a thread of its own, for training leaves no time to.

    Args:
        ttl_s: Seconds after which another build may begin if this one has died.
    """

    def __init__(self, engine: Engine, ttl_s: float) -> None:
        holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._lease = Lease(engine, "index-build", holder, ttl_s)
        self._stopped = threading.Event()
        self._lost: LeaseHeld | None = None
        self._thread = threading.Thread(target=self._renew, name="index-build-lease", daemon=True)

    def __enter__(self) -> Self:
        self._lease.acquire()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()
        self._lease.release()

    def check(self) -> None:
        """Raise if the lease was lost, as when this machine slept; another build may be running then.

        Raises:
            LeaseHeld: stop, and leave everything as it is.
        """
        if self._lost is not None:
            raise self._lost

    def _renew(self) -> None:
        while not self._stopped.wait(self._lease.ttl_s / 3):
            try:
                self._lease.renew()
            except LeaseHeld as error:
                self._lost = error
                return
            except DatabaseError:  # busy: the next turn comes before the lease runs out
                continue
