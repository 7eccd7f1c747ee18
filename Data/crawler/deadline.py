"""When a fetch has to be over, whatever the other server does.

A socket's own timeout begins anew with every byte, so that a server which sends one byte of its headers now and then is
never too slow for it. Here a timer ends the connection itself.
"""

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

from urllib3.connection import HTTPConnection, HTTPSConnection

from Data.errors import FetchFailed

MIN_WAIT_S = 0.001


class Deadline:
    """The end of one attempt, all its connections included. A context: leave it, and nothing is ended any more.

    Args:
        timeout_s: from now.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._at = time.monotonic() + timeout_s
        self._lock = threading.Lock()
        self._ended = False
        self._watched: socket.socket | None = None
        self._timer = threading.Timer(timeout_s, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._let_go()

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return self._ended or time.monotonic() >= self._at

    def left_s(self) -> float:
        """Return the seconds that are left, never zero: a timeout of zero means something else to a socket."""
        return max(self._at - time.monotonic(), MIN_WAIT_S)

    def check(self) -> None:
        """Raise when the time is over: a connection that was ended here looks like one that the server closed.

        Raises:
            FetchFailed.
        """
        if self.passed:
            raise FetchFailed(f"The server took longer than {self._timeout_s:g} s.")

    def watch(self, connected: socket.socket) -> None:
        """End this connection when the time is over; the one watched before is let go."""
        with self._lock:
            self._let_go()
            # A handle of its own: TLS takes the socket over, and the number of a closed one may be another's by then.
            self._watched = connected.dup()
            if self._ended:
                self._shut()

    def _end(self) -> None:
        with self._lock:
            self._ended = True
            self._shut()

    def _shut(self) -> None:
        if self._watched is not None:
            with contextlib.suppress(OSError):  # the other side was first
                self._watched.shutdown(socket.SHUT_RDWR)

    def _let_go(self) -> None:
        if self._watched is not None:
            self._watched.close()
            self._watched = None


class WatchedConnection(HTTPConnection):
    """A connection that a deadline ends.

    Args:
        host, port, options: as urllib3's pools give them.
        deadline: is told of the socket as soon as it is open.
    """

    def __init__(self, host: str, port: int | None = None, *, deadline: Deadline, **options: Any) -> None:
        super().__init__(host, port, **options)
        self._deadline = deadline

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        self._deadline.watch(connected)
        return connected


class WatchedTLSConnection(WatchedConnection, HTTPSConnection):
    """Likewise with TLS, whose first words count as well."""
