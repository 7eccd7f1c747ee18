"""Files that are there whole or not at all: a run that was cut short never takes half of one for its result."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield another path in the same folder to write to; it takes the place of `path` if nothing is raised."""
    part = path.with_name(f".{os.getpid()}.part-{path.name}")  # numpy wants its own ending
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
