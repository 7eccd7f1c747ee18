"""Secrets that several processes agree on through a file, made once by whichever process comes first."""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from Backend.errors import SecretUnusable

OWNER_ONLY = 0o600


def read_or_create(path: Path, make: Callable[[], str], at_least: int = 32) -> str:
    """Return the secret in `path`; make the file first if there is none.

    Two processes that start together end up with the same secret: a finished temporary file is hard-linked into place,
    which fails for all but the first, and everybody then reads what is there.

    Args:
        path: the file; its folder is made when missing.
        make: produces a new secret.
        at_least: the fewest characters that count as a secret.
    Raises:
        SecretUnusable: the file cannot be read or made, or holds too little.
    """
    try:
        if not path.exists():
            _create(path, make())
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnusable(
            f"The secret in {path} cannot be read or made ({error}): check the folder's rights, or set another file."
        ) from error
    if len(secret) < at_least:
        raise SecretUnusable(
            f"The secret in {path} has fewer than {at_least} characters: delete the file to have a new one made."
        )
    return secret


def _create(path: Path, secret: str) -> None:
    """Write `secret` beside `path`, flush it, and link it into place unless another process was faster."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secret + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process made it first; its secret is the one
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
