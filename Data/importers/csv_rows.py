"""Rows of a CSV or TSV file, streamed, with the faults that such files really have told in one sentence."""

import csv
import io
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from Data.errors import ImportFailed, SourceCutOff
from Data.product import RowProblem

MAX_CELL = 1_000_000
"""Characters in one cell past which the file is taken to have an unclosed quote."""

_SAMPLE = 65_536
_SEPARATORS = ",\t;|"


@dataclass(frozen=True)
class OddRow:
    """A row with another number of cells than the header: a separator too many, or one too few.

    Args:
        row: Its number, counted from 1.
        cells: As they stand.
        expected: Number of cells in the header.
    """

    row: int
    cells: Sequence[str]
    expected: int

    def cell(self, column: int) -> str | None:
        """Return a column's cell where it is known: nothing moves the first, and any other may stand elsewhere.

        A cell that stands alone, as a footer does, is all that the row can name, whatever the column. One that holds a
        separator may be a whole row, in quotes or with separators of another kind, and then none is known.
        """
        said = [cell for cell in self.cells if cell.strip()]
        if len(said) == 1:
            return None if any(sign in said[0] for sign in _SEPARATORS) else said[0]
        return self.cells[0] if column == 0 else None

    def problem(self, product_id: str | None) -> RowProblem:
        """Return what is told of it; an empty id is an unknown one, as a separator too many may stand in front."""
        said = f"has {len(self.cells)} cells where the header has {self.expected}."
        return RowProblem(self.row, said, product_id or None)


def read_rows(
    file: IO[bytes], name: str, delimiter: str | None = None
) -> Generator[tuple[int, list[str]] | OddRow, None, None]:
    """Yield the file's numbered rows, the header first as row 0; blank rows are passed over.

    Args:
        file: UTF-8, with or without a byte order mark.
        name: of the file, for messages.
        delimiter: None looks for comma, semicolon or tab in the header.
    Raises:
        SourceCutOff: the last row ends in the middle.
        ImportFailed: not UTF-8, or a quote is never closed.
    """
    csv.field_size_limit(MAX_CELL)
    try:
        with io.TextIOWrapper(file, encoding="utf-8-sig", errors="strict", newline="") as text:
            if delimiter is None:
                delimiter = guess_delimiter(text.read(_SAMPLE).partition("\n")[0])
                text.seek(0)
            lines = _Lines(text)
            for row in _numbered(csv.reader(lines, delimiter=delimiter, strict=True)):
                if isinstance(row, OddRow) and not lines.last.endswith(("\n", "\r")):
                    # Only a row that both lacks cells and is not ended was being written when the writing stopped.
                    raise SourceCutOff(f"{name} ends in the middle of row {row.row}.")
                yield row
    except UnicodeDecodeError as error:
        raise ImportFailed(
            f"{name} is not UTF-8 (byte {error.object[error.start]:#04x}): save it as UTF-8 and import it again."
        ) from error
    except csv.Error as error:
        said = str(error)
        if "field larger than" in said or "unexpected end of data" in said:
            raise ImportFailed(f"{name} has a quote that is never closed: mend it and import it again.") from error
        raise ImportFailed(f"{name} cannot be read as a table ({said}): mend it and import it again.") from error


class _Lines:
    """The lines of a text; the last one is kept."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self.last = "\n"

    def __iter__(self) -> Iterator[str]:
        for line in self._text:
            self.last = line
            yield line


def guess_delimiter(header: str) -> str:
    """Return the separator that occurs most often in the header; a comma where none does."""
    return max(_SEPARATORS, key=header.count)


def _numbered(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]] | OddRow]:
    """Number the rows."""
    header: list[str] | None = None
    number = 0
    for cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = cells
            yield 0, cells
            continue
        number += 1
        if len(cells) != len(header):
            yield OddRow(number, cells, len(header))
            continue
        yield number, cells
