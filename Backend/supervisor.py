"""Start programs that belong together, wait until they answer, and stop all of them when one ends or we are told to."""

import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from Backend.errors import PartFailed

POLL_S = 0.1
PROBE_TIMEOUT_S = 2.0
GRACE_S = 12.0
AGAIN_S = 0.05


@dataclass(frozen=True)
class Part:
    """A program to run.

    Args:
        name: for messages.
        command: with its arguments.
        environment: all of its variables.
        folder: it runs in.
        ready_url: answers 200 once it can be used; None when there is nothing to wait for.
        quiet: whether what it prints to stdout is dropped; stderr is always shown.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    ready_url: str | None = None
    quiet: bool = False


class Supervisor:
    """Runs parts; as a context manager it stops whatever it started."""

    def __init__(self) -> None:
        self._running: list[tuple[Part, subprocess.Popen[bytes]]] = []
        self._stop = threading.Event()
        self._waiting = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_all()

    def stop_on_signals(self) -> None:
        """Take Ctrl-C and SIGTERM as the wish to stop: they end a wait, and interrupt whatever comes before it.

        Where a signal meets a finalizer or a weakref callback, Python reports the interrupt and drops it; it is then
        sent again (by SIGALRM), as the work would else go on to its end.
        """

        def on_signal(number: int, frame: FrameType | None) -> None:
            self._stop.set()
            if not self._waiting:
                raise KeyboardInterrupt

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, on_signal)
        reported = sys.unraisablehook

        def on_unraisable(dropped: "sys.UnraisableHookArgs") -> None:
            if issubclass(dropped.exc_type, KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, AGAIN_S)  # not at once: this hook too would drop it
            else:
                reported(dropped)

        sys.unraisablehook = on_unraisable

    def start(self, part: Part) -> None:
        """Start a part in a process group of its own: Ctrl-C reaches us alone, and we stop the parts in order."""
        process = subprocess.Popen(
            list(part.command),
            env=dict(part.environment),
            cwd=part.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if part.quiet else None,
            start_new_session=True,
        )
        self._running.append((part, process))

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait until every part answers; return False when told to stop meanwhile.

        Raises:
            PartFailed: one ended, or took longer than `timeout_s`.
        """
        self._waiting = True
        until = time.monotonic() + timeout_s
        for part, _ in self._running:
            while part.ready_url is not None and not _answers(part.ready_url):
                if self._stop.wait(POLL_S):
                    return False
                self._check()
                if time.monotonic() > until:
                    raise PartFailed(f"The {part.name} did not become ready in {timeout_s:.0f} s; see what it logged.")
        return not self._stop.is_set()

    def wait(self) -> None:
        """Wait until told to stop.

        Raises:
            PartFailed: a part ended by itself.
        """
        self._waiting = True
        while not self._stop.wait(POLL_S):
            self._check()

    def stop_all(self) -> None:
        """Ask every part to end, the last one first, and kill those that do not."""
        self._waiting = True  # another signal must not interrupt this
        for _, process in reversed(self._running):
            process.send_signal(signal.SIGTERM)
        until = time.monotonic() + GRACE_S
        for _, process in self._running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def _check(self) -> None:
        for part, process in self._running:
            status = process.poll()
            if status is not None:
                raise PartFailed(f"The {part.name} ended with status {status}; see what it logged above.")


def _answers(url: str) -> bool:
    """Return whether an address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=PROBE_TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
