"""Stopping, wherever the signal meets the work."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from Backend.settings import child_environment

WORK = """
import os, signal, sys, time, weakref
from Backend.supervisor import Supervisor

class Thing:
    def __del__(self):
        if sys.argv[1] == "finalizer":
            os.kill(os.getpid(), int(sys.argv[2]))
            for _ in range(1000): pass  # the handler runs within

def on_gone(reference):
    if sys.argv[1] == "weakref":
        os.kill(os.getpid(), int(sys.argv[2]))
        for _ in range(1000): pass

with Supervisor() as parts:
    parts.stop_on_signals()
    thing = Thing()
    kept = weakref.ref(thing, on_gone)
    try:
        del thing
        print("dropped", flush=True)
        time.sleep(30)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("where", ["finalizer", "weakref"])
def test_a_signal_that_python_drops_is_sent_again(where: str, number: int, repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK, where, str(int(number))],
        env=child_environment({}),
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=60,
    )
    # "dropped" shows that Python did drop it, and that what follows was the second interrupt
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["dropped", "interrupted"], "")


def test_what_else_python_drops_is_still_reported(repository: Path) -> None:
    work = WORK.replace("os.kill(os.getpid(), int(sys.argv[2]))", "raise ValueError('lost')").replace("30", "0")
    done = subprocess.run(
        [sys.executable, "-c", work, "finalizer", "0"],
        env=child_environment({}),
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "dropped" + os.linesep
    assert "ValueError: lost" in done.stderr
