"""A column of texts as small codes: 0 for none, else 1 + the place of the text in a table."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from Data.index.pack import Arrays

_FEW = 4  # up to here, one comparison per code beats a look-up table


class TextTable:
    """Distinct texts, found by place and by content without a Python object for each.

    Args:
        text: All texts in UTF-8, one after the other.
        starts: Where each begins, and the end. Shape: (n + 1,).
        hashes: Their 64-bit hashes, rising. Shape: (n,).
        order: The place of the text with each of these hashes. Shape: (n,).
    """

    def __init__(
        self, text: NDArray[np.uint8], starts: NDArray[Any], hashes: NDArray[np.uint64], order: NDArray[np.uint32]
    ) -> None:
        self._text, self._starts, self._hashes, self._order = text, starts, hashes, order

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Make a table of distinct texts, in this order."""
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        starts = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(text) for text in encoded], out=starts[1:])
        hashes = np.array([_hash(text) for text in encoded], np.uint64)
        order = np.argsort(hashes, kind="stable").astype(np.uint32)
        small = starts.astype(np.uint32) if starts[-1] < 2**32 else starts.astype(np.uint64)
        return cls(np.frombuffer(b"".join(encoded), np.uint8), small, hashes[order], order)

    @classmethod
    def load(cls, arrays: Arrays, name: str) -> Self:
        """Read what save wrote."""
        return cls(*(arrays[f"{name}.{part}"] for part in ("text", "starts", "hashes", "order")))

    def save(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the table as arrays."""
        parts = {"text": self._text, "starts": self._starts, "hashes": self._hashes, "order": self._order}
        return {f"{name}.{part}": array for part, array in parts.items()}

    def __len__(self) -> int:
        return len(self._hashes)

    def __getitem__(self, place: int) -> str:
        return self._bytes(place).decode("utf-8", "surrogatepass")

    def _bytes(self, place: int) -> bytes:
        return self._text[int(self._starts[place]) : int(self._starts[place + 1])].tobytes()

    def find(self, texts: Collection[str]) -> NDArray[np.int64]:
        """Return the places of those texts that are here, in no particular order."""
        found: list[int] = []
        wanted = [text.encode("utf-8", "surrogatepass") for text in texts]
        hashes = np.array([_hash(text) for text in wanted], np.uint64)
        first = np.searchsorted(self._hashes, hashes)
        for text, hashed, at in zip(wanted, hashes, first.tolist(), strict=True):
            while at < len(self) and self._hashes[at] == hashed:  # more than once only where hashes collide
                place = int(self._order[at])
                if self._bytes(place) == text:
                    found.append(place)
                    break
                at += 1
        return np.array(found, np.int64)


def _hash(text: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


@dataclass(frozen=True)
class Words:
    """A column of texts.

    Args:
        codes: 0 for none, else 1 + place in the table; None stands for 1, 2, 3, ... (each row its own text).
        table: The texts.
        count: Number of rows.
    """

    codes: NDArray[Any] | None
    table: TextTable
    count: int

    @classmethod
    def of(cls, codes: NDArray[np.int64], texts: Iterable[str]) -> Self:
        """Make a column, its codes as narrow as they can be."""
        table = TextTable.of(texts)
        own = len(codes) == len(table) > 1 and bool((codes == np.arange(1, len(codes) + 1)).all())
        return cls(None if own else narrow(codes), table, len(codes))

    @classmethod
    def load(cls, arrays: Arrays, name: str, count: int) -> Self:
        """Read what save wrote."""
        codes = arrays.get(f"{name}.codes")
        return cls(None if codes is None else _stretched(codes, count), TextTable.load(arrays, name), count)

    def save(self, name: str) -> dict[str, NDArray[Any]]:
        """Return the column as arrays."""
        codes = {} if self.codes is None else {f"{name}.codes": _shrunk(self.codes)}
        return codes | self.table.save(name)

    def codes_at(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the codes of some rows."""
        return rows + 1 if self.codes is None else self.codes[rows].astype(np.int64)

    def text(self, row: int) -> str | None:
        """Return the text of one row."""
        code = row + 1 if self.codes is None else int(self.codes[row])
        return self.table[code - 1] if code else None

    def texts(self, rows: NDArray[np.int64]) -> list[str | None]:
        """Return the texts of some rows."""
        distinct, places = self.distinct(rows)
        return [distinct[place] for place in places.tolist()]

    def distinct(self, rows: NDArray[np.int64]) -> tuple[list[str | None], NDArray[np.int64]]:
        """Return the distinct texts of some rows, each decoded once, and each row's place among them."""
        used, places = np.unique(self.codes_at(rows), return_inverse=True)
        return [self.table[code - 1] if code else None for code in used.tolist()], places

    def mask(self, wanted: Collection[str]) -> NDArray[np.bool_]:
        """Return which rows hold one of the texts. Shape: (count,)."""
        codes = self.table.find(wanted) + 1
        if self.codes is None:
            out = np.zeros(self.count, np.bool_)
            out[codes - 1] = True
            return out
        if len(codes) <= _FEW:
            out = np.zeros(self.count, np.bool_)
            for code in codes.tolist():
                out |= self.codes == code
            return out
        chosen = np.zeros(len(self.table) + 1, np.bool_)
        chosen[codes] = True
        return chosen[self.codes]

    @property
    def nbytes(self) -> int:
        """Bytes of the codes, which a filter reads; the table is only touched for hits."""
        return 0 if self.codes is None else _shrunk(self.codes).nbytes


def join_words(parts: Sequence[tuple[Words, NDArray[np.int64]]]) -> Words:
    """Return a column of some rows of several columns, one after the other."""
    places: dict[str, int] = {}
    joined: list[NDArray[np.int64]] = []
    for words, rows in parts:
        distinct, of_row = words.distinct(rows)
        codes = [0 if text is None else places.setdefault(text, len(places) + 1) for text in distinct]
        joined.append(np.array(codes, np.int64)[of_row])
    return Words.of(np.concatenate(joined) if joined else np.empty(0, np.int64), places)


def narrow(numbers: NDArray[np.int64]) -> NDArray[Any]:
    """Return whole numbers from 0 in the smallest unsigned type that holds them; one number alone is stored once."""
    top = int(numbers.max(initial=0))
    small = numbers.astype(np.min_scalar_type(top))
    return _stretched(_shrunk(small), len(numbers))


def _shrunk(numbers: NDArray[Any]) -> NDArray[Any]:
    return numbers[:1] if len(numbers) and (numbers.strides == (0,) or bool((numbers == numbers[0]).all())) else numbers


def _stretched(numbers: NDArray[Any], count: int) -> NDArray[Any]:
    return np.broadcast_to(numbers[0], (count,)) if len(numbers) == 1 and count > 1 else numbers
