"""Shopify's pages: as files, as a folder, and from a real shop on loopback, page by page."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from Data.crawler import Fetcher, FetchLimits
from Data.errors import ImportFailed, SourceCutOff
from Data.importers import ImportedRow, ImportOptions, guess_layout, open_source
from Data.product import Product, RowProblem
from tests.data.webshop import Page, Query, WebShop, web_shop


def item(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": 1000 + number,
        "title": f"Linen shirt {number}",
        "handle": f"linen-shirt-{number}",
        "vendor": "Nord",
        "product_type": "Shirts",
        "options": [{"name": "Color", "values": ["White"]}, {"name": "Size", "values": ["S", "M"]}],
        "variants": [
            {"option1": "White", "option2": "S", "price": "49.90", "compare_at_price": "59.90", "available": True},
            {"option1": "White", "option2": "M", "price": "54.90", "compare_at_price": None, "available": False},
        ],
        "images": [{"src": f"https://cdn.example/{number}.jpg"}, {"src": f"//cdn.example/{number}-2.jpg"}],
        **fields,
    }


def page(*items: dict[str, Any]) -> bytes:
    return json.dumps({"products": items}, ensure_ascii=False).encode()


def rows(location: str | Path, **options: Any) -> list[ImportedRow | RowProblem]:
    return list(open_source("shopify", location, ImportOptions(currency="EUR", **options)).rows())


def test_a_product_with_variants(tmp_path: Path) -> None:
    (tmp_path / "products.json").write_bytes(b"\xef\xbb\xbf" + page(item(1)))
    row = rows(tmp_path / "products.json")[0]
    assert isinstance(row, ImportedRow)
    assert row.urls == ("https://cdn.example/1.jpg", "https://cdn.example/1-2.jpg")
    assert Product.from_row(1, row.values) == Product(
        product_id="1001",
        name="Linen shirt 1",
        brand="Nord",
        category="shirts",
        category_name="Shirts",
        colour="white",
        sizes=("S", "M"),
        price=Decimal("59.9"),
        final_price=Decimal("49.9"),
        currency="EUR",
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"variants": [{"price": "5.00", "available": False}]}, ("5.00", "5.00", False)),
        ({"variants": [{"price": "5.00"}]}, ("5.00", "5.00", True)),
        ({"variants": [{"price": "5", "compare_at_price": "4"}]}, ("5", "5", True)),
        ({"variants": []}, (None, None, True)),
        ({"variants": None, "images": None, "options": None}, (None, None, True)),
    ],
)
def test_prices_and_stock(
    tmp_path: Path, fields: dict[str, Any], expected: tuple[str | None, str | None, bool]
) -> None:
    (tmp_path / "products.json").write_bytes(page(item(1, **fields)))
    row = rows(tmp_path / "products.json")[0]
    assert isinstance(row, ImportedRow)
    found = Product.from_row(1, row.values)
    assert [found.price, found.final_price] == [each and Decimal(each) for each in expected[:2]]
    assert found.in_stock is expected[2]


def test_a_folder_of_pages_in_their_order(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        (tmp_path / f"page-{number}.json").write_bytes(page(item(number)))
    assert [row.values["product_id"] for row in rows(tmp_path) if isinstance(row, ImportedRow)] == [1001, 1002, 1010]
    assert guess_layout(tmp_path) == "shopify"


def test_a_bad_product_stops_no_other(tmp_path: Path) -> None:
    bad = [item(1, variants=[{"price": "free"}]), item(2, variants=[7], options=3, images=[{"src": 5}]), item(3)]
    (tmp_path / "products.json").write_bytes(page(*bad))
    found = rows(tmp_path / "products.json")
    assert isinstance(found[0], RowProblem) and "'free' is not an amount of money" in found[0].reason
    assert isinstance(found[1], RowProblem) and "Shopify's layout" in found[1].reason
    assert isinstance(found[2], ImportedRow)


def test_a_price_needs_a_currency(tmp_path: Path) -> None:
    (tmp_path / "products.json").write_bytes(page(item(1)))
    row = next(iter(open_source("shopify", tmp_path / "products.json").rows()))
    assert isinstance(row, RowProblem) and "--currency EUR" in row.reason


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (page(item(1), item(2))[:-30], SourceCutOff, "ends in the middle"),
        (page(item(1))[:-2], SourceCutOff, "ends in the middle"),
        (b'{"products": [', SourceCutOff, "ends in the middle"),
        (b"", SourceCutOff, "ends in the middle"),
        (b'{"errors": "none"}', ImportFailed, "has no list"),
        (b'{"products": 7}', ImportFailed, "not the JSON"),
        (b'{"products": [1]}', ImportFailed, "something else than objects"),
        (b'{"products": [{"id": x}, {"id": 2}]}', ImportFailed, "not valid JSON"),
        (b"<html></html>", ImportFailed, "not the JSON"),
        (page(item(1, title="Gr\xfcn")).decode().encode("latin-1"), ImportFailed, "not UTF-8"),
        (b'{"products": [' + b'{"a":' * 100_000, ImportFailed, "nested too deeply"),
    ],
)
def test_an_unusable_page_is_told_in_a_sentence(
    tmp_path: Path, content: bytes, kind: type[Exception], said: str
) -> None:
    (tmp_path / "products.json").write_bytes(content)
    with pytest.raises(kind, match=said) as caught:
        rows(tmp_path / "products.json")
    assert type(caught.value) is kind


def test_a_number_of_thousands_of_digits_is_told(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text(f'{{"products": [{{"id": {"1" * 5000}}}]}}', encoding="utf-8")
    with pytest.raises(ImportFailed, match="has a number of thousands of digits"):
        rows(tmp_path / "shop.json")


def test_objects_larger_than_what_is_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "products.json").write_bytes(page(*(item(number, body_html="x" * 150_000) for number in range(3))))
    assert len(rows(tmp_path / "products.json")) == 3


@pytest.fixture
def shop() -> Iterator[WebShop]:
    with web_shop() as running:
        running.pages["/meta.json"] = Page(b'{"currency": "SEK"}', "application/json")
        yield running


FETCHER = Fetcher(FetchLimits(attempts=1, timeout_s=2.0), allow_private=True)


def test_a_shop_is_read_page_by_page(shop: WebShop) -> None:
    products = [item(number) for number in range(7)]

    def answer(query: Query) -> bytes:
        start = (int(query["page"]) - 1) * 3
        return page(*products[start : start + 3])

    shop.pages["/products.json"] = Page(answer, "application/json")
    assert guess_layout(shop.url) == "shopify"
    found = list(open_source("shopify", shop.url, ImportOptions(fetcher=FETCHER)).rows())
    assert [row.values["product_id"] for row in found if isinstance(row, ImportedRow)] == [1000 + n for n in range(7)]
    assert isinstance(found[0], ImportedRow)
    assert (found[0].values["currency"], found[0].values["product_url"]) == (
        "SEK",
        f"{shop.url}/products/linen-shirt-0",
    )
    assert shop.calls[1:] == [f"/products.json?limit=250&page={number}" for number in range(1, 5)]


def test_since_id(shop: WebShop) -> None:
    products = [item(number) for number in range(5)]

    def answer(query: Query) -> bytes:
        return page(*[each for each in products if each["id"] > int(query["since_id"])][:2])

    shop.pages["/collections/all/products.json"] = Page(answer, "application/json")
    address = f"{shop.url}/collections/all/products.json?since_id=0"
    assert len(list(open_source("shopify", address, ImportOptions(fetcher=FETCHER)).rows())) == 5
    assert [call.rpartition("=")[2] for call in shop.calls[1:]] == ["0", "1001", "1003", "1004"]


def test_a_shop_that_does_not_know_pages_is_read_once(shop: WebShop) -> None:
    shop.pages["/products.json"] = Page(page(item(1), item(2)), "application/json")
    assert len(list(open_source("shopify", shop.url, ImportOptions(fetcher=FETCHER)).rows())) == 2


def test_a_page_that_fails_cuts_the_feed_off(shop: WebShop) -> None:
    def answer(query: Query) -> bytes:
        if query["page"] == "2":
            del shop.pages["/products.json"]
            return b'{"products": [{"id": 1'
        return page(item(1))

    shop.pages["/products.json"] = Page(answer, "application/json")
    source = open_source("shopify", shop.url, ImportOptions(fetcher=FETCHER)).rows()
    assert isinstance(next(source), ImportedRow)
    with pytest.raises(SourceCutOff, match="ends in the middle"):
        next(source)
    with pytest.raises(SourceCutOff, match="404"):
        next(iter(open_source("shopify", shop.url, ImportOptions(fetcher=FETCHER)).rows()))


def test_an_address_needs_somebody_to_fetch_it(tmp_path: Path) -> None:
    for layout in ("shopify", "merchant-feed"):
        with pytest.raises(ImportFailed, match="cannot be fetched here"):
            open_source(layout, "https://shop.example/feed.xml")


def test_a_feed_at_an_address(shop: WebShop, tmp_path: Path) -> None:
    shop.show("/export/feed", b"id\ttitle\n1\tHat\n", "text/tab-separated-values")
    options = ImportOptions(fetcher=FETCHER, downloads=tmp_path / "feeds")
    row = next(iter(open_source("merchant-feed", f"{shop.url}/export/feed", options).rows()))
    assert isinstance(row, ImportedRow) and row.values["name"] == "Hat"
