"""API keys: who may change the catalogue, by scopes.

Two sources, both files, so that every worker and the indexer agree: the first key, which is made on the first start and
may do everything (its file is shared with whoever needs it), and keys that an operator made with `similook key create`,
of which only the sha256 is kept.
"""

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ValidationError

from Backend.errors import KeyInvalid, KeyMissing, KeyNameTaken, KeyNotFound, ScopeMissing, SecretUnusable
from Backend.secretfiles import read_or_create

Scope = Literal["catalogue", "metrics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
KEY_PREFIX = "slk_"
FILE_FORMAT = 1


def new_key() -> str:
    """Return a fresh random key (256 bits)."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


@dataclass(frozen=True)
class ApiKey:
    """A key as it is kept.

    Args:
        name: who holds it.
        scopes: what it may do.
        sha256: of the key, hex. A 256-bit random key needs no slow hash.
        created_at: ISO 8601, UTC.
    """

    name: str
    scopes: tuple[str, ...]
    sha256: str
    created_at: str


class KeysFile(BaseModel):
    """The contents of keys.json.

    Args:
        format: version of this file's layout; this code reads format 1.
    """

    format: Literal[1]
    keys: tuple[ApiKey, ...]


class ApiKeys:
    """The keys that count, read from their files.

    Args:
        first_key_file: plain text, made when missing.
        keys_file: JSON of `similook key create`; may be missing.
    """

    def __init__(self, first_key_file: Path, keys_file: Path) -> None:
        self._first_key_file = first_key_file
        self._keys_file = keys_file

    def first_key(self) -> str:
        """Return the key with every scope; make it on the first call ever."""
        return read_or_create(self._first_key_file, new_key, at_least=20)

    def check(self, key: str | None, scope: Scope) -> str:
        """Return the name of the key's holder.

        Raises:
            KeyMissing: no key was sent.
            KeyInvalid: it is none of ours.
            ScopeMissing: it is ours, but may not do this.
        """
        if not key:
            raise KeyMissing(scope)
        if hmac.compare_digest(key.encode(), self.first_key().encode()):
            return "first"
        digest = _digest(key)
        for known in self.all():
            if hmac.compare_digest(known.sha256, digest):
                if scope not in known.scopes:
                    raise ScopeMissing(scope)
                return known.name
        raise KeyInvalid

    def all(self) -> list[ApiKey]:
        """Return the keys that were made by hand, oldest first.

        Raises:
            SecretUnusable: their file cannot be read, or is not one that this version writes.
        """
        try:
            return list(KeysFile.model_validate_json(self._keys_file.read_bytes()).keys)
        except FileNotFoundError:
            return []
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            said = f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")
            raise SecretUnusable(f"The keys in {self._keys_file} cannot be read ({said}): restore the file.") from None
        except OSError as error:
            raise SecretUnusable(
                f"The keys in {self._keys_file} cannot be read ({error}): restore the file."
            ) from error

    def create(self, name: str, scopes: tuple[Scope, ...]) -> str:
        """Make a key, keep its hash, and return the key itself: the only time it can be seen.

        Raises:
            KeyNameTaken: a key of that name exists.
            SecretUnusable: the file cannot be read or written.
        """
        known = self.all()
        if any(row.name == name for row in known):
            raise KeyNameTaken(name)
        key = new_key()
        self._write([*known, ApiKey(name, scopes, _digest(key), datetime.now(UTC).isoformat(timespec="seconds"))])
        return key

    def revoke(self, name: str) -> None:
        """Forget the key of that name.

        Raises:
            KeyNotFound: there is none.
            SecretUnusable: the file cannot be read or written.
        """
        known = self.all()
        kept = [row for row in known if row.name != name]
        if len(kept) == len(known):
            raise KeyNotFound(name)
        self._write(kept)

    def _write(self, keys: list[ApiKey]) -> None:
        """Replace the keys file as a whole, so that a reader sees the old or the new one."""
        try:
            self._keys_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self._keys_file.parent, prefix=".keys.")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"format": FILE_FORMAT, "keys": [asdict(key) for key in keys]}, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._keys_file)
        except OSError as error:
            raise SecretUnusable(
                f"The keys in {self._keys_file} cannot be written ({error}): check the folder's rights."
            ) from error


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
