"""Filters on compact columns let through exactly what the plain definition in Filter does."""

import tempfile
from decimal import Decimal
from pathlib import Path
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from Data.filters import Filter
from Data.index.columns import Columns, ColumnsBuilder
from Data.index.generations import VectorIds
from Data.index.pack import read_pack, write_pack
from Data.index.words import TextTable
from Data.records import ProductColumns

WORDS = st.sampled_from([None, "a", "b", "Äpfel", "日本", "a b", "\ud800"])
GENDERS = st.sampled_from([None, "men", "women", "unisex"])
PRICES = st.one_of(st.none(), st.integers(0, 60).map(lambda cents: cents * 5000), st.just(9_999_999_999_999_999))
ROWS = st.lists(
    st.builds(
        ProductColumns,
        product_id=st.integers(0, 30).map(lambda number: f"p{number}"),
        category=WORDS,
        gender=GENDERS,
        age_group=st.sampled_from([None, "adult", "kids"]),
        brand=WORDS,
        colour=WORDS,
        price=PRICES,
        in_stock=st.booleans(),
        group_id=WORDS,
    ),
    min_size=1,
    max_size=40,
)
BOUNDS = st.one_of(st.none(), st.decimals(0, 35, places=5), st.just(Decimal("1e30")))
SOME = st.lists(WORDS.filter(bool), max_size=6).map(tuple)
IDS = st.frozensets(st.integers(-1, 32).map(lambda number: f"p{number}"), max_size=8)


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    """Return any filter."""
    low, high = draw(BOUNDS), draw(BOUNDS)
    if low is not None and high is not None and low > high:
        low, high = high, low
    return Filter(
        category=draw(SOME),
        gender=tuple(draw(st.lists(GENDERS.filter(bool), max_size=2))),
        brand=draw(SOME),
        colour=draw(SOME),
        age_group=tuple(draw(st.lists(st.sampled_from(["adult", "kids"]), max_size=1))),
        min_price=low,
        max_price=high,
        in_stock=draw(st.sampled_from([None, True, False])),
        product_ids=draw(st.one_of(st.none(), IDS)),
        exclude_product_ids=draw(IDS),
    )


def plain(row: ProductColumns, wanted: Filter) -> bool:
    """Return whether a row passes, condition by condition."""
    price = None if row.price is None else Decimal(row.price) / 10_000
    return (
        (not wanted.category or row.category in wanted.category)
        and (not wanted.gender or row.gender in wanted.genders)
        and (not wanted.brand or row.brand in wanted.brand)
        and (not wanted.colour or row.colour in wanted.colour)
        and (not wanted.age_group or row.age_group in wanted.age_group)
        and (wanted.min_price is None or (price is not None and price >= wanted.min_price))
        and (wanted.max_price is None or (price is not None and price <= wanted.max_price))
        and (wanted.in_stock is None or row.in_stock == wanted.in_stock)
        and (wanted.product_ids is None or row.product_id in wanted.product_ids)
        and row.product_id not in wanted.exclude_product_ids
    )


@settings(max_examples=150, deadline=None)
@given(ROWS, filters())
def test_masks_are_the_plain_definition(rows: list[ProductColumns], wanted: Filter) -> None:
    assert Columns.of(rows).mask(wanted).tolist() == [plain(row, wanted) for row in rows]


@settings(max_examples=60, deadline=None)
@given(ROWS, ROWS, filters(), st.randoms())
def test_joining_keeps_the_meaning(
    first: list[ProductColumns], second: list[ProductColumns], wanted: Filter, random: Random
) -> None:
    chosen = [sorted(random.sample(range(len(part)), random.randint(0, len(part)))) for part in (first, second)]
    joined = Columns.join(
        [(Columns.of(part), np.array(rows, np.int64)) for part, rows in zip((first, second), chosen, strict=True)]
    )
    rows = [first[row] for row in chosen[0]] + [second[row] for row in chosen[1]]
    assert joined.mask(wanted).tolist() == [plain(row, wanted) for row in rows]
    assert [joined.words["product_id"].text(row) for row in range(len(rows))] == [row.product_id for row in rows]


@settings(max_examples=40, deadline=None)
@given(ROWS, filters())
def test_columns_survive_the_disk(rows: list[ProductColumns], wanted: Filter) -> None:
    builder = ColumnsBuilder()
    builder.add(rows[:7])
    builder.add(rows[7:])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "columns.pack"
        write_pack(path, Columns(*builder.parts()).save())
        loaded = Columns.load(read_pack(path), len(rows))
    assert loaded.mask(wanted).tolist() == [plain(row, wanted) for row in rows]
    assert [loaded.words["brand"].text(row) for row in range(len(rows))] == [row.brand for row in rows]


def test_one_row_per_product() -> None:
    rows = [ProductColumns(f"p{number % 4}", None, None, None, None, None, None, True, None) for number in range(11)]
    columns = Columns.of(rows)
    mask = np.array([number not in (1, 5, 9) for number in range(11)])
    chosen = columns.one_row_per_product(mask)
    assert sorted(row % 4 for row in chosen.tolist()) == [0, 2, 3]


def test_a_million_rows_take_few_bytes() -> None:
    count = 50_000
    rng = np.random.default_rng(0)
    drawn = zip(
        rng.integers(13, size=count), rng.integers(2000, size=count), rng.integers(10, 3000, count), strict=True
    )
    rows = [
        ProductColumns(
            f"p{number}", f"c{category}", "men", "adult", f"b{brand}", "red", int(price) * 10_000, True, None
        )
        for number, (category, brand, price) in enumerate(drawn)
    ]
    columns = Columns.of(rows)
    assert columns.memory_bytes() <= 6 * count
    assert columns.words["product_id"].codes is None


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 300), max_size=40), st.lists(st.integers(-5, 310), max_size=20))
def test_vector_ids_are_found_again(ids: set[int], asked: list[int]) -> None:
    listed = sorted(ids)
    held = VectorIds.load(VectorIds.of(np.array(listed, np.int64)).save())
    expected = [listed.index(vector_id) if vector_id in ids else -1 for vector_id in asked]
    assert held.rows(np.array(asked, np.int64)).tolist() == expected
    assert held.at(np.arange(len(listed))).tolist() == listed


def test_texts_are_found_by_content() -> None:
    texts = ["", "a", "ab", "日本", "\ud800", "x" * 1000]
    table = TextTable.of(texts)
    assert [table[place] for place in range(len(table))] == texts
    assert sorted(table.find(["ab", "", "nothing", "日本"]).tolist()) == [0, 2, 3]
    assert TextTable.of([]).find(["a"]).tolist() == []
