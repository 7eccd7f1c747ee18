"""What an importer is, and the list of those there are.

An importer turns one published layout into rows. It streams, knows no database, and never stops at a bad row: that
becomes a RowProblem. `Data/importers/run.py` puts the rows into the catalogue.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from Data.crawler.feeds import download_feed
from Data.crawler.fetcher import Fetcher
from Data.errors import ImportFailed, UnknownImporter
from Data.product import RowProblem


class ImportedRow(NamedTuple):
    """One product as its source tells it. A named tuple, because a sync makes one for every row of a feed.

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
        fetcher: Calls a source that is an address; None refuses those.
        downloads: Folder where feeds that came from an address are kept until they change.
    """

    images: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    currency: str | None = None
    fetcher: Fetcher | None = None
    downloads: Path | None = None


class Importer(Protocol):
    """A source of products."""

    @property
    def total(self) -> int | None:
        """Number of rows, None where that is not known before the end."""
        ...

    def rows(self) -> Iterator[ImportedRow | RowProblem]:
        """Yield the rows in the source's order.

        The id of a RowProblem is empty where the row says none, and None where it has one that cannot be read.

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

    def fingerprint(self, file: str) -> str | None:
        """Return a short text that changes when the picture does, None where there is none; no picture is read."""
        ...


Opener = Callable[[Path, ImportOptions], Importer]
AddressOpener = Callable[[str, ImportOptions], Importer]

_OPENERS: dict[str, Opener] = {}
_ADDRESS_OPENERS: dict[str, AddressOpener] = {}


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


def register_address(name: str) -> Callable[[AddressOpener], AddressOpener]:
    """List how a layout is read from an address, where that is more than fetching one file.

    Raises:
        ValueError: the name is taken.
    """

    def add(opener: AddressOpener) -> AddressOpener:
        if name in _ADDRESS_OPENERS:
            raise ValueError(f"There are two importers named {name!r}: rename one.")
        _ADDRESS_OPENERS[name] = opener
        return opener

    return add


def names() -> list[str]:
    """Return the names of all importers, sorted."""
    return sorted(_OPENERS)


def is_address(location: str | Path) -> bool:
    """Return whether a source is to be fetched."""
    return isinstance(location, str) and location.lower().startswith(("http://", "https://"))


def open_source(name: str, location: str | Path, options: ImportOptions | None = None) -> Importer:
    """Open a source.

    Args:
        name: Of the importer.
        location: Path of the file, folder, tar or zip, or an http or https address.
        options: What the source does not say itself.
    Raises:
        UnknownImporter: no importer has this name; the message lists those there are.
        ImportFailed: the source is missing, or not of this layout.
        FetchError: the address cannot be fetched.
    """
    options = options or ImportOptions()
    if name not in _OPENERS:
        raise UnknownImporter(name, names())
    if not is_address(location):
        return _OPENERS[name](Path(location), options)
    address = str(location)
    if name in _ADDRESS_OPENERS:
        return _ADDRESS_OPENERS[name](address, options)
    if options.fetcher is None or options.downloads is None:
        raise ImportFailed(f"{address[:120]} cannot be fetched here: download it and give its path.")
    return _OPENERS[name](download_feed(address, options.downloads, options.fetcher), options)
