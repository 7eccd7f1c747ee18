"""`merchant-feed`: the Google Merchant product feed, which Shopify, WooCommerce and most others export already.

As RSS 2.0 or Atom in XML, or as a table with tabs. A feed is streamed: memory holds one item. XML is read by
defusedxml, which refuses entities, so a feed that unfolds into gigabytes does not.
"""

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, ParseError
from xml.parsers.expat import errors

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from Data.errors import ImportFailed, SourceCutOff
from Data.importers.base import ImportedRow, ImportOptions, register
from Data.importers.csv_rows import OddRow, read_rows
from Data.importers.identity import id_of
from Data.importers.merchant_fields import KNOWN, to_row
from Data.product import RowProblem

GOOGLE = "{http://base.google.com/ns/1.0}"
CONTAINERS = ("channel", "feed")
ITEMS = ("item", "entry")

# What a parser finds at the end of a file that should go on.
_CUT_OFF = {
    errors.codes[said]
    for said in (
        errors.XML_ERROR_NO_ELEMENTS,
        errors.XML_ERROR_UNCLOSED_TOKEN,
        errors.XML_ERROR_PARTIAL_CHAR,
        errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}
_SAMPLE = 4096


class MerchantFeed:
    """The items of one feed."""

    total: int | None = None

    def __init__(self, path: Path, options: ImportOptions) -> None:
        """Look at how the feed begins.

        Raises:
            ImportFailed: there is no such file, or it is empty.
        """
        try:
            with path.open("rb") as file:
                start = file.read(_SAMPLE)
        except OSError as error:
            raise ImportFailed(f"The feed {path} cannot be read ({error.strerror}): check the path.") from error
        if not start.strip():
            raise SourceCutOff(f"{path.name} is empty.")
        self._path = path
        self._currency = options.currency
        self._is_xml = b"<" in start.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")[:2]

    def rows(self) -> Iterator[ImportedRow | RowProblem]:
        """Yield the feed's items.

        Raises:
            SourceCutOff: the feed ends in the middle.
            ImportFailed: it is not well-formed, or of another layout.
        """
        now = datetime.now(UTC)
        for item in self._items():
            if isinstance(item, RowProblem):
                yield item
                continue
            number, fields = item
            try:
                yield to_row(number, fields, self._currency, now)
            except ValueError as error:
                product_id = next((said for said in fields.get("id", ()) if said.strip()), None)
                yield RowProblem(number, str(error), id_of(product_id))

    def read(self, file: str) -> bytes:
        """Refuse: a feed holds no pictures, only their addresses."""
        raise FileNotFoundError(file)

    def fingerprint(self, file: str) -> str | None:
        """Return None: a feed holds no pictures."""
        del file
        return None

    def _items(self) -> Generator[tuple[int, dict[str, list[str]]] | RowProblem, None, None]:
        with self._path.open("rb") as file:
            if self._is_xml:
                yield from self._xml(file)
            else:
                yield from self._table(file)

    def _xml(self, file: IO[bytes]) -> Generator[tuple[int, dict[str, list[str]]], None, None]:
        container: Element | None = None
        number = 0
        for event, element in self._parsed(file):
            name = _local(element.tag)
            if event == "start":
                container = element if container is None and name in CONTAINERS else container
            elif name in ITEMS and container is not None:
                number += 1
                yield number, _fields(element)
                container.clear()  # or the tree would grow with the feed
        if container is None:
            raise ImportFailed(f"{self._path.name} is XML, but neither an RSS nor an Atom feed: check the address.")

    def _parsed(self, file: IO[bytes]) -> Generator[tuple[str, Element], None, None]:
        """Yield what the parser finds, its errors as ours."""
        try:
            yield from iterparse(file, events=("start", "end"))
        except ParseError as error:
            raise self._unreadable(error) from error
        except DefusedXmlException as error:
            raise ImportFailed(
                f"{self._path.name} declares entities, which a feed has no need of and which can fill the memory: "
                "remove its DOCTYPE."
            ) from error
        except (ValueError, LookupError) as error:  # EUC-KR and Shift_JIS, say; the parser reads one byte at a time
            raise ImportFailed(
                f"{self._path.name} is in an encoding that XML is not read in here ({error}): save it as UTF-8."
            ) from error

    def _table(self, file: IO[bytes]) -> Generator[tuple[int, dict[str, list[str]]] | RowProblem, None, None]:
        header: list[str] = []
        for row in read_rows(file, self._path.name):
            if isinstance(row, OddRow):
                yield row.problem(id_of(row.cell(header.index("id"))))
                continue
            number, cells = row
            if number == 0:
                header = [_field_name(cell) for cell in cells]
                missing = [name for name in ("id", "title") if name not in header]
                if missing:
                    raise ImportFailed(
                        f"{self._path.name} has no column {' and no column '.join(missing)} (it has: "
                        f"{', '.join(cells)[:300]}): it is not a merchant feed; use `table` for a table of your own."
                    )
                continue
            fields: dict[str, list[str]] = {}
            for name, cell in zip(header, cells, strict=True):
                if cell and name in KNOWN:
                    fields.setdefault(name, []).append(cell)
            yield number, fields

    def _unreadable(self, error: ParseError) -> ImportFailed:
        line = error.position[0]
        if error.code in _CUT_OFF:
            return SourceCutOff(f"{self._path.name} ends in the middle, at line {line}.")
        if error.code == errors.codes[errors.XML_ERROR_INVALID_TOKEN] and not _is_utf8(self._path):
            return ImportFailed(
                f"{self._path.name} is not written in the encoding that it names (line {line}): save it as UTF-8."
            )
        said = errors.messages.get(error.code, "not well-formed")
        return ImportFailed(f"{self._path.name} is not well-formed XML ({said}, line {line}): mend it there.")


def _fields(item: Element) -> dict[str, list[str]]:
    """Return an item's own fields; those of Google's namespace stand for themselves where both are given."""
    google: dict[str, list[str]] = {}
    plain: dict[str, list[str]] = {}
    for child in item:
        name = _field_name(_local(child.tag))
        if name not in KNOWN:
            continue
        text = child.text or ""
        if name == "link" and not text.strip() and child.get("rel", "alternate") == "alternate":
            text = child.get("href", "")  # Atom's way
        if text.strip():
            (google if child.tag.startswith(GOOGLE) else plain).setdefault(name, []).append(text)
    return {**plain, **google}


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _field_name(said: str) -> str:
    """Return `image_link` for "g:image_link", "Image Link" and "image link"."""
    return said.strip().lower().removeprefix("g:").replace(" ", "_").replace("-", "_")


def _is_utf8(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as text:
            while text.read(1_000_000):
                pass
    except UnicodeDecodeError:
        return False
    return True


@register("merchant-feed")
def open_merchant_feed(path: Path, options: ImportOptions) -> MerchantFeed:
    """Open a feed."""
    return MerchantFeed(path, options)
