"""Folders that state and results are written to."""

import tempfile
from pathlib import Path

from Backend.errors import PathUnusable


def make_folder(path: Path) -> None:
    """Make a folder where it is missing.

    Raises:
        PathUnusable: it cannot be made, or a file is in the way.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PathUnusable(
            f"The folder {path} cannot be made ({error.strerror}): check the path and the rights, or name another."
        ) from error


def make_output_folder(path: Path) -> None:
    """Make a folder where it is missing, and check that files can be written to it.

    Raises:
        PathUnusable: they cannot.
    """
    make_folder(path)
    try:
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise PathUnusable(
            f"The folder {path} cannot be written to ({error.strerror}): check its rights, or name another."
        ) from error
