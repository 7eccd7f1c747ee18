"""The catalogue on both databases, answer by answer."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from Data.catalogue import Catalogue
from Data.catalogue_feeds import stored_rows
from Data.changes import ChangeLog
from Data.database import reading
from Data.errors import DatabaseError, FilterInvalid, ProductNotFound
from Data.filters import Filter
from Data.product import Picture, Product
from Data.records import UpsertReport


def sha(number: int) -> str:
    return f"{number:064x}"


def make(product_id: str, **values: Any) -> Product:
    return Product(**{"product_id": product_id, "name": f"Product {product_id}", **values})


def test_upsert_counts_what_differs(catalogue: Catalogue) -> None:
    first = [make("a", pictures=[{"sha256": sha(1)}]), make("b"), make("c")]
    assert catalogue.upsert(first, "feed") == UpsertReport(created=3)
    assert catalogue.upsert(first, "feed") == UpsertReport(unchanged=3)
    second = [
        make("a", pictures=[{"sha256": sha(2)}]),
        make("b", name="New name"),
        make("c"),
        make("d"),
        make("d", name="The later one counts"),
    ]
    expected = UpsertReport(created=1, changed=1, picture_changed=1, unchanged=1)
    assert catalogue.plan(second) == expected
    assert catalogue.get("b").name == "Product b"  # a plan writes nothing
    assert catalogue.upsert(second) == expected
    assert catalogue.get_many(["d", "nothing", "a", "d"]) == [second[4], None, second[0], second[4]]
    assert catalogue.facets("source") == [("feed", 3)]
    assert catalogue.upsert([make("c")], "other") == UpsertReport(unchanged=1)
    assert catalogue.facets("source") == [("feed", 2), ("other", 1)]


def test_get_and_delete(catalogue: Catalogue) -> None:
    catalogue.upsert([make("a", pictures=[{"sha256": sha(1)}, {"source_url": "https://example.com/2.jpg"}]), make("b")])
    assert catalogue.delete(["a", "nothing"]) == 1
    assert catalogue.count() == 1
    for gone in ("a", "x\x00y", "\ud800", ""):
        with pytest.raises(ProductNotFound):
            catalogue.get(gone)
    # Vector numbers are never used again.
    catalogue.upsert([make("a", pictures=[{"sha256": sha(1)}])])
    assert [status.vector_id for status in catalogue.picture_status("a")] == [3]
    assert [(change.op, change.vector_id) for change in ChangeLog(catalogue.engine).since(0)] == [
        ("delete", 1),
        ("delete", 2),
    ]


def test_iterate_and_page_by_id(catalogue: Catalogue) -> None:
    # Byte order: capitals before small letters, letters beyond ASCII last, on both databases.
    ids = sorted(["B", "a", "é", "z", "Z", "10", "9", "가"])
    catalogue.upsert([make(product_id, in_stock=product_id != "z") for product_id in ids])
    for size in (1, 3, 8, 100):
        assert [product.product_id for product in catalogue.iterate(batch_size=size)] == ids
        seen, cursor = [], None
        while True:
            page = catalogue.page(size, cursor, Filter(in_stock=True))
            seen += [product.product_id for product in page.products]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == [product_id for product_id in ids if product_id != "z"]
    for cursor in ("", "xyz", "ü", "MjphYg", "//"):
        with pytest.raises(FilterInvalid):
            catalogue.page(10, cursor)
    for limit in (0, 1001):
        with pytest.raises(FilterInvalid):
            catalogue.page(limit)


def test_filters_facets_and_order_by_price(catalogue: Catalogue) -> None:
    catalogue.upsert(
        [
            make("a", brand="X", category_name="Shirts", gender="men", price="10.50", currency="EUR", colour="Red"),
            make("b", brand="X", category_name="Shirts", gender="unisex", price="20", final_price="5", currency="EUR"),
            make("c", brand="Y", category_name="Hats", gender="women", age_group="kids", price="7", currency="EUR"),
            make("d", brand="Y", category="hats", category_name="Hats & caps", price="1", currency="USD"),
            make("e", in_stock=False),
        ]
    )

    def ids(**values: Any) -> str:
        found = "".join(product.product_id for product in catalogue.iterate(Filter(**values)))
        assert catalogue.count(Filter(**values)) == len(found)
        return found

    assert catalogue.currency == "EUR"
    assert ids(max_price=Decimal("10.50")) == "abc"
    assert ids(min_price=Decimal("5.0001"), max_price=Decimal("10.4999")) == "c"
    assert ids(min_price=Decimal("-1e40"), max_price=Decimal("1e40")) == "abc"
    assert ids(gender=("men",)) == "ab"
    assert ids(gender=("women", "men")) == "abc"
    assert ids(gender=("unisex",)) == "b"
    assert ids(brand=("X", "nothing", "\x00")) == "ab"
    assert ids(category=("hats",), age_group=("kids",)) == "c"
    assert ids(colour=("red",)) == "a"
    assert ids(in_stock=False) == "e"
    assert ids(product_ids=frozenset("ae"), exclude_product_ids=frozenset("e")) == "a"
    assert ids(product_ids=frozenset()) == ""
    assert catalogue.facets("brand") == [("X", 2), ("Y", 2)]
    assert catalogue.facets("category", Filter(brand=("Y",))) == [("hats", 2)]
    with pytest.raises(FilterInvalid, match="is not a facet"):
        catalogue.facets("name; DROP TABLE products")
    assert catalogue.category_names()["shirts"] == "Shirts"
    assert [product.product_id for product in catalogue.by_price(2)] == ["b", "c"]
    assert [product.product_id for product in catalogue.by_price(1, descending=True)] == ["a"]


def test_a_filter_must_make_sense() -> None:
    assert Filter().is_empty
    assert not Filter(in_stock=False).is_empty
    assert not Filter(product_ids=frozenset()).is_empty
    for values in (
        {"brand": "X"},
        {"min_price": 3.5},
        {"max_price": Decimal("NaN")},
        {"min_price": Decimal(2), "max_price": Decimal(1)},
    ):
        with pytest.raises(FilterInvalid):
            Filter(**values)


def test_the_first_price_decides_the_currency(catalogue: Catalogue) -> None:
    assert catalogue.upsert([make("a"), make("b", currency="JPY")]).other_currency == 0
    before = catalogue.currency
    assert before is None
    report = catalogue.upsert([make("c", price=1, currency="KRW"), make("d", price=1, currency="USD")])
    assert report.other_currency == 1
    assert catalogue.facets("currency") == [("JPY", 1), ("KRW", 1), ("USD", 1)]
    assert catalogue.upsert([make("d", price=1, currency="USD")]).other_currency == 1
    stats = catalogue.stats("e")
    assert (stats.currency, stats.other_currency) == ("KRW", 1)
    assert catalogue.get("d").currency == "USD"


def test_a_predicted_category_stays_until_the_shop_says_one(catalogue: Catalogue) -> None:
    catalogue.upsert([make("a"), make("b", category_name="Hats")])
    predicted = {"a": ("shirt", "Shirt"), "b": ("shirt", "Shirt"), "nothing": ("shirt", "Shirt")}
    assert catalogue.set_predicted_categories(predicted) == 1
    assert catalogue.set_predicted_categories(predicted) == 0
    assert catalogue.set_predicted_categories({}) == 0
    stored = catalogue.get("a")
    assert (stored.category, stored.category_name, stored.category_predicted) == ("shirt", "Shirt", True)
    assert catalogue.upsert([make("a")]) == UpsertReport(unchanged=1)
    assert catalogue.upsert([make("a", name="Other")]) == UpsertReport(changed=1)
    assert catalogue.get("a").category == "shirt"
    assert catalogue.upsert([make("a", name="Other", category_name="Hats")]) == UpsertReport(changed=1)
    stored = catalogue.get("a")
    assert (stored.category, stored.category_predicted) == ("hats", False)


def test_going_out_of_stock_and_back(catalogue: Catalogue) -> None:
    catalogue.upsert([make("a", pictures=[{"sha256": sha(1)}]), make("b", in_stock=False)])
    assert catalogue.set_in_stock(["a", "b", "nothing"], False) == 1
    assert catalogue.count(Filter(in_stock=True)) == 0
    assert [change.op for change in ChangeLog(catalogue.engine).since(0)] == ["meta"]
    assert catalogue.upsert([make("a", pictures=[{"sha256": sha(1)}])]) == UpsertReport(changed=1)
    assert catalogue.get("a").in_stock


def test_states_of_a_feed(catalogue: Catalogue) -> None:
    ours = [make(f"{number:03}") for number in range(25)]
    catalogue.upsert(ours, "feed")
    catalogue.upsert([make("x")], "other")
    states = [state for batch in catalogue.states("feed", batch_size=10) for state in batch]
    assert [(state.product_id, state.content_hash) for state in states] == [
        (product.product_id, product.content_hash()) for product in ours
    ]
    assert sum(len(batch) for batch in catalogue.states()) == 26


def test_rows_that_need_not_be_read(catalogue: Catalogue) -> None:
    products = [make(product_id) for product_id in "abcdef"]
    hashes = {product_id: f"row {product_id}" for product_id in "abcdef"}

    def unchanged(source: str = "feed") -> str:
        with reading(catalogue.engine) as connection:
            stored = stored_rows(connection, source, [*hashes, "unknown"])
        return "".join(sorted(key for key, row in stored.items() if row.row_hash == hashes[key]))

    catalogue.upsert(products, "feed", hashes)
    assert unchanged() == "abcdef"
    assert unchanged("other") == ""
    catalogue.upsert([make("a", name="Edited by hand")])
    catalogue.set_in_stock(["b"], False)
    catalogue.delete(["c"])
    catalogue.upsert([make("d")], "other")
    catalogue.upsert([make("e")])  # the same again, by hand
    catalogue.set_predicted_categories({"f": ("shirt", "Shirt")})
    assert unchanged() == "ef"
    hashes["e"] = "another way of writing"
    assert unchanged() == "f"
    assert catalogue.upsert(products, "feed", hashes) == UpsertReport(created=1, changed=2, unchanged=3)
    assert unchanged() == "abcdef"


def test_one_query_each(catalogue: Catalogue) -> None:
    from sqlalchemy import event

    catalogue.upsert([make(str(number), pictures=[{"sha256": sha(number)}] * 2) for number in range(300)])
    statements: list[str] = []
    event.listen(catalogue.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert None not in catalogue.get_many([str(number) for number in range(300)])
    assert catalogue.page(50, None, Filter(gender=("men",), min_price=Decimal(1))).products == []
    assert len([statement for statement in statements if statement.startswith("SELECT")]) == 2


def test_a_call_larger_than_a_chunk(catalogue: Catalogue) -> None:
    products = [make(f"{number:05}", pictures=[{"sha256": sha(number)}]) for number in range(4500)]
    assert catalogue.upsert(products) == UpsertReport(created=4500)
    assert list(catalogue.iterate()) == products
    assert catalogue.delete(product.product_id for product in products) == 4500


@pytest.mark.parametrize(
    "url",
    [
        *("mysql://x/y", "nonsense", "sqlite://", "sqlite://host/shop.sqlite", "postgresql://u:secret@h:abc/db"),
        *("postgresql://u:secret@h/db?nope=1", "postgresql://u:secret@h/db?sslmode=require&sslmode=disable"),
        *("sqlite:///shop.sqlite?foo=bar", "sqlite:///shop.sqlite?timeout=long", "sqlite:///shop.sqlite?mode=ro"),
    ],
)
def test_an_address_that_cannot_be_used(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatabaseError) as refused:
        Catalogue.open(url)
    assert "secret" not in str(refused.value) and list(tmp_path.iterdir()) == []


def test_an_option_that_the_database_knows_is_kept(postgresql_server: str, tmp_path: Path) -> None:
    mark = "&" if "?" in postgresql_server else "?"
    said = f"{postgresql_server}{mark}sslmode=prefer&application_name=shop&connect_timeout=5"
    with Catalogue.open(said) as catalogue, catalogue.engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW application_name").scalar_one() == "shop"
    here = f"sqlite:///{tmp_path}/shop.sqlite?timeout=7"
    with Catalogue.open(here) as catalogue, catalogue.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 7000


def test_pictures_keep_their_number_while_they_are_the_same(catalogue: Catalogue) -> None:
    one, two = "https://example.com/1.jpg", "https://example.com/2.jpg"

    def numbers(*pictures: Picture) -> list[int]:
        catalogue.upsert([make("a", pictures=pictures)])
        assert catalogue.get("a").pictures == tuple(
            Picture(sha256=status.sha256, source_url=status.source_url) for status in catalogue.picture_status("a")
        )
        return [status.vector_id for status in catalogue.picture_status("a")]

    assert numbers(Picture(source_url=one), Picture(source_url=two)) == [1, 2]
    assert numbers(Picture(source_url=two), Picture(source_url=one)) == [2, 1]
    assert numbers(Picture(source_url=two, sha256=sha(2)), Picture(source_url=one)) == [2, 1]  # fetched meanwhile
    assert numbers(Picture(source_url=two), Picture(sha256=sha(3))) == [2, 3]  # the file known by address stays
    assert numbers(Picture(source_url=two, sha256=sha(4))) == [4]  # another file at the same address
    assert numbers(Picture(sha256=sha(4))) == [4]
    assert numbers() == []
