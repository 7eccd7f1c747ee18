"""Sorting, hiding, counting, paging and combining, each worked out again the slow way."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from Backend.combining import combine
from Backend.errors import PartsUnusable
from Backend.queries import Guess, Query, display_name
from Backend.refining import facets_of, price_bands, sorted_by
from Data.filters import Filter
from Data.product import Product


def product(
    number: int, price: str | None = None, final: str | None = None, currency: str = "EUR", **rest: object
) -> Product:
    fields = {"price": price, "final_price": final or price, "currency": currency} if price else {}
    return Product.model_validate({"product_id": f"p{number}", "name": "x", **fields, **rest})


SHOP = [
    product(0, "30", category="dress", category_name="Dress", brand="Halden", colour="navy"),
    product(1, "10", category="skirt", brand="Halden"),
    product(2, None, category="dress", category_name="Dress", brand="Fernhill", colour="navy"),
    product(3, "10", "5", category="dress", category_name="Dress", colour="red"),
    product(4, "1", currency="KRW"),
]


@pytest.mark.parametrize(
    ("sort", "order"),
    [("similarity", "01234"), ("price_asc", "31024"), ("price_desc", "01324"), ("discount", "30124")],
)
def test_orders(sort: str, order: str) -> None:
    rows = sorted_by(SHOP, lambda row: row, sort, "EUR")  # type: ignore[arg-type]
    assert [row.product_id for row in rows] == [f"p{digit}" for digit in order]


def test_facets_leave_their_own_filter_aside() -> None:
    asked: list[Filter] = []

    def pool(wanted: Filter) -> Sequence[Product]:
        asked.append(wanted)
        return [row for row in SHOP if wanted.matches(row, "EUR")]

    found = facets_of(pool, Filter(category=("dress",)), "EUR", display_name)
    assert [(each.value, each.name, each.count) for each in found.category] == [
        ("dress", "Dress", 3),
        ("skirt", "Skirt", 1),
    ]
    assert [(each.value, each.count) for each in found.brand] == [("Halden", 1), ("Fernhill", 1)]
    assert [(each.value, each.count) for each in found.colour] == [("navy", 2), ("red", 1)]
    assert sum(band.count for band in found.price) == 2
    assert len(asked) == len(set(asked)) == 2


@given(st.lists(st.decimals(0, 10**8, places=2, allow_nan=False), max_size=40))
def test_price_bands_hold_every_price_once(prices: list[Decimal]) -> None:
    bands = price_bands(prices)
    assert len(bands) <= 6
    assert [band.count for band in bands] == [sum(b.lowest <= price < b.below for price in prices) for b in bands]
    assert sum(band.count for band in bands) == len(prices)


def query(*vector: float, category: str | None = None, coverage: float = 0.5) -> Query:
    guess = Guess(category, 0.9) if category else None
    return Query(np.asarray(vector, np.float32), guess, coverage, coverage > 0)


def test_one_query_stays_as_it_is() -> None:
    one = query(0.6, 0.8)
    assert combine([one], []) is one


def test_several_lie_between_them() -> None:
    both = combine([query(1, 0, category="dress", coverage=0.2), query(0, 1, category="bag", coverage=0.6)], [3, 1])
    assert both.vector == pytest.approx(np.array([3, 1]) / 10**0.5, abs=1e-6)
    assert both.vector.dtype == np.float32
    assert both.category == Guess("dress", 0.9)
    assert both.coverage == pytest.approx(0.3)
    even = combine([query(1, 0), query(0, 1)], [])
    assert even.vector == pytest.approx(np.array([1, 1]) / 2**0.5, abs=1e-6)


def test_probabilities_are_mixed_where_all_have_some() -> None:
    one = replace(query(1, 0), probabilities={"dress": 0.8, "skirt": 0.2})
    two = replace(query(0, 1), probabilities={"dress": 0.4, "bag": 0.6})
    assert combine([one, two], [3, 1]).probabilities == pytest.approx({"dress": 0.7, "skirt": 0.15, "bag": 0.15})
    assert combine([one, query(0, 1)], []).probabilities == {}


@pytest.mark.parametrize("weights", [[1.0], [1.0, 1.0, 1.0]])
def test_weights_that_do_not_fit(weights: list[float]) -> None:
    with pytest.raises(PartsUnusable, match="one weight for each"):
        combine([query(1, 0), query(0, 1)], weights)


def test_opposites_cancel_each_other_out() -> None:
    with pytest.raises(PartsUnusable, match="cancel"):
        combine([query(1, 0), query(-1, 0)], [])
