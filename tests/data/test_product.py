"""What is a product and what is not, row by row."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from Data.errors import ProductInvalid
from Data.money import MONEY_LIMIT, from_units, parse_money, to_units
from Data.product import Picture, Product, RowProblem, slugify, validate_rows
from Data.text import clean_text

SHA = "ab" * 32


def make(**values: Any) -> Product:
    return Product(**{"product_id": "a", "name": "Shirt", **values})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"product_id": None}, "product_id is missing."),
        ({"product_id": "  "}, "product_id is missing."),
        ({"product_id": "a\x00b"}, "product_id holds control characters."),
        ({"product_id": "x" * 201}, "product_id is longer than 200 characters."),
        ({"name": ""}, "name is missing."),
        ({"name": "x" * 501}, "name is longer than 500 characters."),
        ({"name": ["x"]}, "name must be text."),
        ({"brand": "x" * 201}, "brand is longer than 200 characters."),
        ({"price": "-5", "currency": "EUR"}, "price -5 is negative."),
        ({"price": "12,50", "currency": "EUR"}, "price '12,50' is not an amount of money."),
        ({"price": "Infinity", "currency": "EUR"}, "price Infinity is not an amount of money."),
        ({"price": "1.00001", "currency": "EUR"}, "price 1.00001 has more than four decimals."),
        ({"price": 10**12, "currency": "EUR"}, "price 1000000000000 is too large."),
        ({"price": Decimal("sNaN"), "currency": "EUR"}, "price sNaN is not an amount of money."),
        ({"price": True, "currency": "EUR"}, "price must be an amount of money."),
        ({"price": "5"}, "a price needs a currency."),
        ({"price": "5", "currency": "XXX"}, "currency 'XXX' is not an ISO 4217 currency code such as EUR or KRW."),
        ({"price": "19900.5", "currency": "KRW"}, "a price in KRW has no decimals."),
        ({"price": "5", "final_price": "6", "currency": "EUR"}, "final_price 6 is above price 5."),
        ({"gender": "ladies"}, "gender is 'ladies' and must be one of 'men', 'women' or 'unisex'."),
        ({"category": "T Shirt"}, "category 'T Shirt' is not a slug such as 't-shirt'."),
        ({"product_url": "/p/1"}, "product_url '/p/1' is not a whole http or https address."),
        ({"product_url": "javascript:alert(1)"}, "is not a whole http or https address."),
        ({"product_url": "https:///x"}, "is not a whole http or https address."),
        ({"product_url": "https://a b/"}, "is not a whole http or https address."),
        ({"product_url": "http://[::1"}, "is not a whole http or https address."),
        ({"in_stock": "maybe"}, "in_stock is 'maybe' and must be true or false."),
        ({"sizes": "S,M"}, "sizes must be a list of texts."),
        ({"sizes": 5}, "sizes must be a list of texts."),
        ({"sizes": True}, "sizes must be a list of texts."),
        ({"sizes": {"S": 1}}, "sizes must be a list of texts."),
        ({"sizes": ["S", ["M"]]}, "sizes must be text."),
        ({"pictures": [{}]}, "pictures.0 needs a sha256 or a source_url."),
        ({"pictures": [{"sha256": "../etc"}]}, "pictures.0.sha256 must be 64 lower-case hexadecimal digits."),
        ({"pictures": [{"sha256": SHA}], "cover_position": 1}, "cover_position is not one of the pictures."),
        ({"category_predicted": True}, "category_predicted needs a category."),
        ({"weight": 3}, "weight is not a field of a product."),
        ({"price": "x", "gender": "y"}, "(and 1 more)."),
    ],
)
def test_a_bad_row_is_one_sentence(values: dict[str, Any], reason: str) -> None:
    row = {"product_id": "a", "name": "Shirt", **values}
    with pytest.raises(ProductInvalid) as caught:
        Product.from_row(7, row)
    assert caught.value.row == 7
    assert caught.value.reason.endswith(reason)
    assert str(caught.value).startswith("Row 7: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", sorted(Product.model_fields))
def test_a_value_of_any_type_is_taken_or_refused(field: str) -> None:
    """What JSON or a table can hold is never more than a bad row."""
    for value in (None, True, 5, 1.5, 1e400, float("nan"), "", "x", "9" * 5000, [], [5], [None], {}, {"a": [1]}, b"x"):
        [taken] = validate_rows([(1, {"product_id": "a", "name": "Shirt", field: value})])
        assert isinstance(taken, (Product, RowProblem))


def test_bad_rows_do_not_stop_the_rest() -> None:
    rows: list[tuple[int, dict[str, Any]]] = [
        (1, {"product_id": "a", "name": "A"}),
        (2, {"product_id": "b", "name": "", "price": -1}),
        (3, {"name": "C"}),
        (4, {"product_id": "d", "name": "D"}),
    ]
    first, second, third, fourth = validate_rows(rows)
    assert isinstance(first, Product)
    assert second == RowProblem(2, "name is missing (and 1 more).", "b")
    assert third == RowProblem(3, "product_id is missing.", None)
    assert isinstance(fourth, Product)


def test_text_is_kept_but_for_control_characters() -> None:
    product = make(name=" <b>A&B</b>\tü\x07\u202e ", brand=" ", colour="Navy Blue", sizes=["S", "", 42, "\x00"])
    assert product.name == "<b>A&B</b> ü"
    assert product.brand is None
    assert product.colour == "navy blue"
    assert product.sizes == ("S", "42")
    assert clean_text("a\ud800b\r\n👩‍👧") == "ab 👩‍👧"


def test_what_a_table_leaves_empty_is_missing() -> None:
    assert make(product_id=np.int64(7), name=np.str_(" x ")) == make(product_id="7", name="x")
    product = make(price=float("nan"), final_price="", currency=None, brand=float("nan"), sizes=None, product_url=" ")
    assert product == make()


def test_money() -> None:
    product = make(price=19.9, final_price="14.925", currency="eur")
    assert (product.price, product.final_price, product.currency) == (Decimal("19.9"), Decimal("14.925"), "EUR")
    assert product.discount_rate == 25.0
    assert make(price="20", currency="EUR").final_price == 20
    assert make(final_price="20", currency="EUR").price == 20
    assert make(price="19900.00", currency="KRW").price == 19900
    assert make(price=0, currency="EUR").discount_rate == 0.0
    assert make().discount_rate == 0.0
    assert str(make(price="1E3", currency="EUR").price) == "1000"


@given(st.decimals(0, MONEY_LIMIT - 1, places=4))
def test_money_is_exact(amount: Decimal) -> None:
    assert from_units(to_units(amount)) == amount == parse_money(str(amount))
    assert "E" not in str(from_units(to_units(amount)))


def test_category_and_its_name() -> None:
    assert make(category_name="T-Shirts & Tops").category == "t-shirts-tops"
    assert make(category_name="여성 의류").category == "여성-의류"
    assert slugify("Décolleté") == "decollete"
    assert slugify("ガンダム") == "ガンダム"
    assert slugify("!!") == ""
    assert make(category_name="!!").category is None


@given(st.text())
def test_a_slug_is_its_own_slug(text: str) -> None:
    assert slugify(slugify(text)) == slugify(text)


def test_a_picture_listed_twice_counts_once() -> None:
    url = "https://example.com/a.jpg"
    product = make(pictures=[{"source_url": url}, {"sha256": SHA}, {"source_url": url}, {"sha256": SHA}])
    assert product.pictures == (Picture(source_url=url), Picture(sha256=SHA))


def test_hashes_tell_text_from_pictures() -> None:
    base = make(price="5", currency="EUR", pictures=[{"sha256": SHA}])
    changes: list[dict[str, Any]] = [
        {"name": "Other"},
        {"brand": "B"},
        {"category": "shirt"},
        {"gender": "men"},
        {"age_group": "kids"},
        {"colour": "red"},
        {"sizes": ["S"]},
        {"group_id": "g"},
        {"price": "6"},
        {"final_price": "4"},
        {"final_price": 0},
        {"currency": "USD"},
        {"product_url": "https://example.com"},
    ]
    hashes = {
        make(**{"price": "5", "currency": "EUR", "pictures": [{"sha256": SHA}], **change}).content_hash()
        for change in changes
    }
    assert len(hashes | {base.content_hash()}) == len(changes) + 1
    assert make(price=0, currency="EUR").content_hash() != make(currency="EUR").content_hash()
    assert make(sizes=["S", "M"]).content_hash() != make(sizes=["M", "S"]).content_hash()
    same_text = make(price=5.0, currency="EUR", in_stock=False)
    assert same_text.content_hash() == base.content_hash()
    assert same_text.pictures_hash() != base.pictures_hash()
    predicted = make(category="shirt", category_predicted=True)
    assert predicted.content_hash() == make().content_hash()


def test_a_product_is_frozen() -> None:
    with pytest.raises(ValidationError):
        make().name = "x"
