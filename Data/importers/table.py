"""`table`: a shop's own CSV, TSV or Parquet file, its pictures in a folder or at addresses."""

import math
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet as parquet

from Data.errors import ImportFailed
from Data.importers.base import ImportedRow, ImportOptions, register
from Data.importers.columns import IMAGE, map_columns
from Data.importers.csv_rows import OddRow, read_rows
from Data.importers.files import FolderFiles, open_files
from Data.importers.identity import id_of
from Data.importers.prices import parse_price
from Data.product import RowProblem
from Data.text import slugify

BATCH = 1_000
_SEPARATORS = re.compile(r"\s*[|\n]\s*|\s*,\s*(?=https?://)|\s*;\s*")
_SIZES = re.compile(r"\s*[|/,;]\s*")
_IN_STOCK = {
    **dict.fromkeys(("", "true", "1", "yes", "y", "in stock", "in_stock", "instock", "available"), True),
    **dict.fromkeys(("false", "0", "no", "n", "out of stock", "out_of_stock", "outofstock", "sold out"), False),
}

Row = tuple[int, list[Any]] | OddRow


class Table:
    """Rows of one file. Pictures lie beside it, or where `options.images` says, or at addresses."""

    def __init__(self, path: Path, options: ImportOptions) -> None:
        """Look at the file's header.

        Raises:
            ImportFailed: no such file, not UTF-8, or no column for a required field.
        """
        if not path.is_file():
            raise ImportFailed(f"There is no file {path}: check the path.")
        self._path = path
        self._currency = options.currency
        self._pictures = open_files(options.images) if options.images else FolderFiles(path.parent)
        self._beside = options.images is None
        self.total: int | None = self._count()
        with closing(self._rows()) as rows:
            self.header: list[str] = next((row[1] for row in rows if not isinstance(row, OddRow)), [])
        self.columns = map_columns(self.header, options.columns, path.name)

    def rows(self) -> Iterator[ImportedRow | RowProblem]:
        """Yield the table's rows."""
        for row in self._rows():
            if isinstance(row, OddRow):
                yield row.problem(id_of(row.cell(self.columns["product_id"])))
                continue
            number, cells = row
            if number == 0:
                continue
            values = {field: cells[place] for field, place in self.columns.items()}
            files, urls = split_pictures(values.pop(IMAGE, None))
            try:
                yield ImportedRow(number, self._tidy(values), files, urls)
            except ValueError as error:
                yield RowProblem(number, str(error), id_of(values.get("product_id")))

    def read(self, file: str) -> bytes:
        """Return a picture's bytes; beside the table, a folder `images` is looked into as well."""
        try:
            return self._pictures.read(file)
        except FileNotFoundError:
            if not self._beside:
                raise
            return self._pictures.read(f"images/{file}")

    def fingerprint(self, file: str) -> str | None:
        """Return what changes when a picture does, looked for where `read` looks."""
        found = self._pictures.fingerprint(file)
        return self._pictures.fingerprint(f"images/{file}") if found is None and self._beside else found

    def _tidy(self, values: dict[str, Any]) -> dict[str, Any]:
        """Turn the cells into what `Product` takes: lists, truth values, a price's own currency."""
        if values.get("category") is not None:
            # A column named category holds a name as often as a slug; a slug stays itself.
            values["category_name"] = values.get("category_name") or values["category"]
            values["category"] = slugify(str(values["category"])) or None
        if isinstance(values.get("sizes"), str):
            values["sizes"] = [size for size in _SIZES.split(values["sizes"]) if size]
        elif values.get("sizes") is not None:
            sizes = values["sizes"]
            values["sizes"] = [*map(as_size, sizes)] if isinstance(sizes, (list, tuple)) else [as_size(sizes)]
        if "in_stock" in values:
            values["in_stock"] = parse_stock(values["in_stock"])
        said = values.get("currency") or self._currency
        if said is not None and not isinstance(said, str):
            raise ValueError(f"currency is {str(said)[:40]!r} and must be an ISO 4217 code such as EUR.")
        currencies = []
        for name in ("price", "final_price"):
            currency = said
            if isinstance(values.get(name), str):
                values[name], currency = parse_price(values[name], said)
            if values.get(name) is not None:
                currencies.append(currency)
        if len(set(currencies)) > 1:
            raise ValueError(f"price is in {currencies[0]} and final_price in {currencies[1]}; they must agree.")
        values["currency"] = currencies[0] if currencies else None
        return values

    def _rows(self) -> Generator[Row, None, None]:
        if self._path.suffix.lower() in (".parquet", ".pq"):
            yield from _parquet_rows(self._path)
            return
        with self._path.open("rb") as file:
            yield from read_rows(file, self._path.name, "\t" if self._path.suffix.lower() == ".tsv" else None)

    def _count(self) -> int | None:
        """Return the number of rows where the file tells it: a CSV's can only be counted by reading all of it."""
        if self._path.suffix.lower() not in (".parquet", ".pq"):
            return None
        with _open_parquet(self._path) as file:
            return int(file.metadata.num_rows)


def split_pictures(cell: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the file names and the addresses in a cell: one, or several behind bars, semicolons or line breaks."""
    if cell is None:
        return (), ()
    entries = list(cell) if isinstance(cell, (list, tuple)) else _SEPARATORS.split(str(cell).strip())
    wanted = [entry.strip() for entry in entries if isinstance(entry, str) and entry.strip()]
    urls = tuple(entry for entry in wanted if entry.lower().startswith(("http://", "https://")))
    return tuple(entry for entry in wanted if entry not in urls), urls


def parse_stock(cell: Any) -> bool:
    """Return whether a cell says that there is stock; an empty one says so.

    Raises:
        ValueError: it says neither.
    """
    if cell is None:
        return True
    if isinstance(cell, bool):
        return cell
    said = str(cell).strip().lower()
    if said not in _IN_STOCK:
        raise ValueError(f"in_stock is {str(cell)[:40]!r} and must be true or false.")
    return _IN_STOCK[said]


def as_size(cell: Any) -> Any:
    """Return a number as a size is written, 42 and 42.0 as "42", and anything else as it is."""
    if isinstance(cell, (int, float, Decimal)) and not isinstance(cell, bool) and math.isfinite(cell):
        return f"{Decimal(str(cell)).normalize():f}"
    return cell


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Tell what pyarrow makes of a file that is none of its own, or a damaged one, in one sentence."""
    try:
        yield
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        said = f"{error}".partition("\n")[0]
        raise ImportFailed(f"{path.name} cannot be read as Parquet ({said}): write it again.") from error


def _open_parquet(path: Path) -> parquet.ParquetFile:
    with _readable(path):
        return parquet.ParquetFile(path)


def _parquet_rows(path: Path) -> Generator[Row, None, None]:
    """Yield the header as row 0 and then the rows; memory holds one batch."""
    with _open_parquet(path) as file:
        yield 0, list(file.schema_arrow.names)
        number = 0
        batches = file.iter_batches(batch_size=BATCH)
        while True:
            with _readable(path):
                batch = next(batches, None)
                # By their place, not by their name, which two columns may have.
                columns = [] if batch is None else [column.to_pylist() for column in batch.columns]
            if batch is None:
                return
            for cells in zip(*columns, strict=True):
                number += 1
                yield number, [_plain(cell) for cell in cells]


def _plain(cell: Any) -> Any:
    if isinstance(cell, float) and math.isnan(cell):
        return None
    return cell.isoformat() if isinstance(cell, (date, datetime)) else cell


@register("table")
def open_table(path: Path, options: ImportOptions) -> Table:
    """Open a shop's own table."""
    return Table(path, options)


def describe(columns: Mapping[str, int], header: list[str]) -> str:
    """Return the mapping in one line, to be shown before an import."""
    return ", ".join(f"{field} = {header[place]}" for field, place in columns.items())
