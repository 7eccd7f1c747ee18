"""What a filter looks at, row by row, as compact codes: about 7 bytes a row for a million products."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from Data.filters import Filter
from Data.index.pack import Arrays
from Data.index.words import Words, join_words, narrow
from Data.money import MONEY_SCALE
from Data.records import ProductColumns

WordField = Literal["category", "gender", "age_group", "brand", "colour", "product_id", "group_id"]
FILTER_FIELDS: tuple[WordField, ...] = ("category", "gender", "age_group", "brand", "colour")
WORD_FIELDS: tuple[WordField, ...] = (*FILTER_FIELDS, "product_id", "group_id")


@dataclass(frozen=True)
class Prices:
    """A column of prices: 0 for none, else 1 + the rank among the distinct prices, so that a range is a range.

    Shape: codes (n,) unsigned; values (distinct,) int64, rising, in ten-thousandths.
    """

    codes: NDArray[Any]
    values: NDArray[np.int64]

    @classmethod
    def of(cls, units: NDArray[np.int64]) -> Self:
        """Make a column from ten-thousandths, -1 for none."""
        values, inverse = np.unique(units, return_inverse=True)
        lacking = len(values) > 0 and values[0] < 0
        return cls(narrow(inverse.astype(np.int64) + (0 if lacking else 1)), values[1:] if lacking else values)

    def units(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the prices of some rows in ten-thousandths, -1 for none."""
        return np.concatenate([np.array([-1], np.int64), self.values])[self.codes[rows]]

    def mask(self, lowest: Decimal | None, highest: Decimal | None) -> NDArray[np.bool_]:
        """Return which rows have a price within the bounds, both inclusive. Shape: (n,)."""
        first, last = 0, len(self.values)
        if lowest is not None:
            units = int((lowest * MONEY_SCALE).to_integral_value(ROUND_CEILING))
            first = int(np.searchsorted(self.values, _bounded(units), "left"))
        if highest is not None:
            units = int((highest * MONEY_SCALE).to_integral_value(ROUND_FLOOR))
            last = int(np.searchsorted(self.values, _bounded(units), "right"))
        return (self.codes > first) & (self.codes <= last)


def _bounded(units: int) -> int:
    return max(-1, min(units, 2**63 - 1))


@dataclass(frozen=True)
class Columns:
    """The columns of a set of rows.

    Args:
        words: The columns of texts, by name.
        prices: Final prices.
        in_stock: Shape: (n,).
    """

    words: dict[WordField, Words]
    prices: Prices
    in_stock: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.in_stock)

    @classmethod
    def of(cls, products: Sequence[ProductColumns]) -> Self:
        """Encode the columns of some rows."""
        builder = ColumnsBuilder()
        builder.add(products)
        return cls(*builder.parts())

    @classmethod
    def join(cls, parts: Sequence[tuple[Self, NDArray[np.int64]]]) -> Self:
        """Return some rows of several sets, one after the other."""
        words = {name: join_words([(part.words[name], rows) for part, rows in parts]) for name in WORD_FIELDS}
        prices = np.concatenate([part.prices.units(rows) for part, rows in parts])
        return cls(words, Prices.of(prices), np.concatenate([part.in_stock[rows] for part, rows in parts]))

    @classmethod
    def load(cls, arrays: Arrays, count: int) -> Self:
        """Read what save wrote."""
        words = {name: Words.load(arrays, name, count) for name in WORD_FIELDS}
        codes, values, stock = arrays["price.codes"], arrays["price.values"], arrays["in_stock"]
        if len(codes) == 1 < count:
            codes = np.broadcast_to(codes[0], (count,))
        if len(stock) == 1 < count:
            stock = np.broadcast_to(stock[0], (count,))
        return cls(words, Prices(codes, values), stock)

    def save(self) -> dict[str, NDArray[Any]]:
        """Return the columns as arrays; a column with one value for all rows takes one element."""
        arrays = {name: array for field, words in self.words.items() for name, array in words.save(field).items()}
        arrays["price.codes"], arrays["price.values"] = _once(self.prices.codes), self.prices.values
        arrays["in_stock"] = _once(self.in_stock)
        return arrays

    def texts(self, name: WordField, rows: NDArray[np.int64]) -> list[str | None]:
        """Return what some rows hold in one column of texts."""
        return self.words[name].texts(rows)

    def mask(self, wanted: Filter) -> NDArray[np.bool_]:
        """Return which rows pass the filter. Shape: (n,)."""
        mask = np.ones(len(self), np.bool_)
        values = {name: getattr(wanted, name) for name in FILTER_FIELDS} | {"gender": wanted.genders}
        for name in FILTER_FIELDS:
            if values[name]:
                mask &= self.words[name].mask(values[name])
        if wanted.bounds_price:
            mask &= self.prices.mask(wanted.min_price, wanted.max_price)
        if wanted.in_stock is not None:
            mask &= self.in_stock == wanted.in_stock
        if wanted.product_ids is not None:
            mask &= self.words["product_id"].mask(wanted.product_ids)
        if wanted.exclude_product_ids:
            mask &= ~self.words["product_id"].mask(wanted.exclude_product_ids)
        return mask

    def one_row_per_product(self, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return, for each product with a row in the mask, one such row."""
        rows = np.flatnonzero(mask)
        product = self.words["product_id"]
        if product.codes is None:
            return rows
        chosen = np.full(len(product.table) + 1, -1, np.int64)
        chosen[product.codes[rows]] = rows
        return chosen[chosen >= 0]

    def memory_bytes(self) -> int:
        """Return the bytes that filters read: codes, prices and stock; the texts are only touched for hits."""
        filters = sum(self.words[name].nbytes for name in FILTER_FIELDS)
        return filters + _once(self.prices.codes).nbytes + self.prices.values.nbytes + _once(self.in_stock).nbytes


def _once(array: NDArray[Any]) -> NDArray[Any]:
    return array[:1] if len(array) and array.strides == (0,) else array


class ColumnsBuilder:
    """Encodes columns batch by batch, with memory for the codes and the distinct texts alone."""

    def __init__(self) -> None:
        self._places: dict[WordField, dict[str, int]] = {name: {} for name in WORD_FIELDS}
        self._codes: dict[WordField, list[NDArray[np.uint32]]] = {name: [] for name in WORD_FIELDS}
        self._prices: list[NDArray[np.int64]] = []
        self._stock: list[NDArray[np.bool_]] = []

    def add(self, products: Sequence[ProductColumns]) -> None:
        """Take the columns of the next rows."""
        for name in WORD_FIELDS:
            places = self._places[name]
            texts = [getattr(product, name) for product in products]
            codes = [0 if text is None else places.setdefault(text, len(places) + 1) for text in texts]
            self._codes[name].append(np.array(codes, np.uint32))
        self._prices.append(
            np.array([-1 if product.price is None else product.price for product in products], np.int64)
        )
        self._stock.append(np.array([product.in_stock for product in products], np.bool_))

    def parts(self) -> tuple[dict[WordField, Words], Prices, NDArray[np.bool_]]:
        """Return what Columns is made of."""
        words: dict[WordField, Words] = {}
        for name in WORD_FIELDS:
            words[name] = Words.of(np.concatenate(self._codes.pop(name)).astype(np.int64), self._places.pop(name))
        stock = np.concatenate(self._stock)
        if len(stock) > 1 and (stock == stock[0]).all():
            stock = np.broadcast_to(stock[0], stock.shape)
        return words, Prices.of(np.concatenate(self._prices)), stock
