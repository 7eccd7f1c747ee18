"""Rows told apart: what makes a hash differ, and ids remembered, against a plain dictionary."""

import random
from collections.abc import Iterator
from decimal import Decimal

import pytest

from Data.importers.base import ImportedRow
from Data.importers.identity import HALF, SeenIds, hash_pictures, hash_row
from Data.product import RowProblem

ROW = ImportedRow(1, {"product_id": "1", "name": "Shirt", "price": None}, ("a.jpg",), ("https://example.com/b.jpg",))


class Pictures:
    """A source whose pictures have fingerprints."""

    total: int | None = None

    def __init__(self, **prints: str) -> None:
        self._prints = prints

    def rows(self) -> Iterator[ImportedRow | RowProblem]:
        return iter(())

    def read(self, file: str) -> bytes:
        raise FileNotFoundError(file)

    def fingerprint(self, file: str) -> str | None:
        return self._prints.get(file.partition(".")[0])


def test_equal_rows_have_equal_hashes_and_others_do_not() -> None:
    source = Pictures(a="1")
    # Built anew, from texts that are nowhere interned.
    again = ImportedRow(
        9, {"".join(["product", "_id"]): "".join("1"), "name": "".join(["Shi", "rt"]), "price": None}, *ROW[2:]
    )
    assert hash_row(again, source) == hash_row(ROW, source)
    assert len(hash_row(ROW, source)) == len(hash_pictures(ROW, source)) == HALF
    others = [
        ROW._replace(values={**ROW.values, "name": "Shirts"}),
        ROW._replace(values={**ROW.values, "price": "None"}),
        ROW._replace(values={**ROW.values, "price": 1}),
        ROW._replace(values={**ROW.values, "price": True}),
        ROW._replace(values={**ROW.values, "price": Decimal(1)}),
        ROW._replace(values={**ROW.values, "name": "Shirt\ud800"}),
        ROW._replace(files=()),
        ROW._replace(files=("b.jpg",)),
        ROW._replace(files=(), urls=("a.jpg", *ROW.urls)),
    ]
    hashes = {hash_row(row, source) for row in [ROW, *others]} | {hash_row(ROW, Pictures(a="2"))}
    assert len(hashes) == len(others) + 2
    assert hash_row(others[4], source) == hash_row(others[4]._replace(row=2), source)
    assert hash_pictures(others[0], source) == hash_pictures(ROW, source) != hash_pictures(ROW, Pictures(a="2"))


@pytest.mark.parametrize("held", [0, 7, 40, 1000])
def test_ids_are_remembered_wherever_they_lie(held: int) -> None:
    rng, slow = random.Random(held), dict[str, int]()
    names = [*(f"p{number}" for number in range(90)), 'quo"te', "back\\slash", "é", "셔츠", "a'b", "\U0001f455", " x"]
    with SeenIds(held) as seen:
        for batch in range(30):
            rows = {name: 100 * batch + place for place, name in enumerate(rng.sample(names, 5))}
            assert seen.add(rows) == {name: slow[name] for name in rows if name in slow}
            slow = {**rows, **slow}
            assert seen.known(names) == slow
        assert seen.add({}) == {} and seen.known(["unknown"]) == {}
