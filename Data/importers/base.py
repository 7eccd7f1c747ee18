"""What an importer is, and the list of those there are.

An importer turns one published layout into rows. It streams, knows no database, and never stops at a bad row: that
becomes a RowProblem. `Data/importers/run.py` puts the rows into the catalogue.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from Data.errors import UnknownImporter
from Data.product import RowProblem


@dataclass(frozen=True)
class ImportedRow:
    """One product as its source tells it.

    Args:
        row: Number of the row in its source, counted from 1.
        values: Fields of `Product` but for `pictures`.
        files: Pictures that the source holds itself, by the name that `read` takes. In the shop's order.
        urls: Pictures to be fetched later. In the shop's order, after `files`.
    """

    row: int
    values: Mapping[str, Any]
    files: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportOptions:
    """What a person may say about a source.

    Args:
        images: Folder or tar with the pictures, where the source does not hold them itself.
        columns: Field of `Product` (or `image`) to the source's own column, over what is guessed.
        currency: ISO 4217 code of prices that come without one.
    """

    images: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None


class Importer(Protocol):
    """A source of products."""

    @property
    def total(self) -> int | None:
        """Number of rows, None where that is not known before the end."""
        ...

    def rows(self) -> Iterator[ImportedRow | RowProblem]:
        """Yield the rows in the source's order.

        Raises:
            ImportFailed: the whole source turns out to be unusable.
        """
        ...

    def read(self, file: str) -> bytes:
        """Return the bytes of a picture that the source holds.

        Raises:
            FileNotFoundError: there is no such picture.
        """
        ...


Opener = Callable[[Path, ImportOptions], Importer]

_OPENERS: dict[str, Opener] = {}


def register(name: str) -> Callable[[Opener], Opener]:
    """List an importer under a name.

    Raises:
        ValueError: the name is taken.
    """

    def add(opener: Opener) -> Opener:
        if name in _OPENERS:
            raise ValueError(f"There are two importers named {name!r}: rename one.")
        _OPENERS[name] = opener
        return opener

    return add


def names() -> list[str]:
    """Return the names of all importers, sorted."""
    return sorted(_OPENERS)


def open_source(name: str, path: Path, options: ImportOptions | None = None) -> Importer:
    """Open a source.

    Args:
        name: Of the importer.
        path: Of the file, folder or tar.
        options: What the source does not say itself.
    Raises:
        UnknownImporter: no importer has this name; the message lists those there are.
        ImportFailed: the source is missing, or not of this layout.
    """
    if name not in _OPENERS:
        raise UnknownImporter(name, names())
    return _OPENERS[name](path, options or ImportOptions())
