"""The catalogue against a plain dict, with products and histories that nobody would think of."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from Data.catalogue import Catalogue
from Data.changes import ChangeLog
from Data.features import FeatureRow, Features
from Data.filters import Filter
from Data.money import WHOLE_CURRENCIES
from Data.product import Picture, Product
from Data.text import clean_text, slugify

# The database is made once; each example empties it first. A busy machine must not make an example "too slow".
RELAXED = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

texts = st.text(max_size=30)
some_text = texts.filter(lambda text: clean_text(text) != "")
ids = st.sampled_from(["a", "B", "b", "é", "10", "9", "x y", "가", "%", "'"])
shas = st.integers(0, 5).map(lambda number: f"{number:064x}")
urls = st.integers(0, 3).map(lambda number: f"https://example.com/{number}.jpg")
picture = st.one_of(
    st.builds(Picture, sha256=shas),
    st.builds(Picture, source_url=urls),
    st.builds(Picture, sha256=shas, source_url=urls),
)
PRICES = st.decimals(0, 1000, places=2)


@st.composite
def products(draw: st.DrawFn, product_id: st.SearchStrategy[str] = ids) -> Product:
    values: dict[str, Any] = {
        "product_id": draw(product_id),
        "name": draw(some_text),
        "brand": draw(st.none() | texts),
        "category": draw(st.none() | texts.map(slugify)),
        "category_name": draw(st.none() | texts),
        "gender": draw(st.sampled_from([None, "men", "women", "unisex"])),
        "age_group": draw(st.sampled_from([None, "adult", "kids"])),
        "colour": draw(st.none() | st.sampled_from(["Red", "red", "navy blue"])),
        "sizes": draw(st.lists(texts, max_size=3)),
        "group_id": draw(st.none() | texts),
        "product_url": draw(st.none() | urls),
        "in_stock": draw(st.booleans()),
        "pictures": draw(st.lists(picture, max_size=3)),
    }
    if draw(st.booleans()):
        values["currency"] = draw(st.sampled_from(["EUR", "USD", "KRW"]))
        one, two = draw(PRICES), draw(PRICES)
        if values["currency"] in WHOLE_CURRENCIES:
            one, two = one.to_integral_value(), two.to_integral_value()
        values["price"], values["final_price"] = max(one, two), min(one, two)
    return Product(**values)


def fresh(database: Catalogue) -> None:
    database.delete([product.product_id for product in database.iterate()])


@pytest.fixture
def shared(catalogue: Catalogue) -> Iterator[Catalogue]:
    """Say that one catalogue serves all examples of a test."""
    yield catalogue


def without_cover(product: Product) -> dict[str, Any]:
    """Return the fields that the shop decides; which picture is shown, the catalogue does."""
    return product.model_dump(exclude={"cover_position"})


@RELAXED
@given(st.lists(products(st.uuids().map(str)), max_size=5))
def test_a_product_comes_back_as_it_was(shared: Catalogue, given_products: list[Product]) -> None:
    fresh(shared)
    shared.upsert(given_products)
    found = shared.get_many([product.product_id for product in given_products])
    for product, stored in zip(given_products, found, strict=True):
        assert stored is not None
        assert without_cover(stored) == without_cover(product)
        assert Product(**stored.model_dump()) == stored  # what is read unchecked would pass the check
        assert stored.content_hash() == product.content_hash()
        assert [str(stored.price), str(stored.final_price)] == [str(product.price), str(product.final_price)]
    assert shared.upsert(given_products).unchanged == len(given_products)


filters = st.builds(
    Filter,
    gender=st.lists(st.sampled_from(["men", "women", "unisex"]), max_size=2).map(tuple),
    colour=st.sampled_from([(), ("red",), ("navy blue", "red")]),
    age_group=st.sampled_from([(), ("kids",)]),
    min_price=st.none() | st.decimals(-1, 600, places=3),
    max_price=st.none() | st.decimals(600, 2000, places=5),
    in_stock=st.sampled_from([None, True, False]),
    product_ids=st.none() | st.frozensets(ids),
    exclude_product_ids=st.frozensets(ids, max_size=2),
)


@RELAXED
@given(st.lists(products(), max_size=12), st.lists(ids, max_size=8), filters)
def test_reading_is_what_a_dict_would_say(
    shared: Catalogue, given_products: list[Product], wanted: list[str], filter: Filter
) -> None:
    fresh(shared)
    shared.upsert(given_products)
    model = {product.product_id: without_cover(product) for product in given_products}
    found = [None if product is None else without_cover(product) for product in shared.get_many(wanted)]
    assert found == [model.get(product_id) for product_id in wanted]
    stored = list(shared.iterate(batch_size=2))
    assert [product.product_id for product in stored] == sorted(model)
    passing = [product for product in stored if filter.matches(product, shared.currency)]
    assert list(shared.iterate(filter, batch_size=3)) == passing
    assert shared.count(filter) == len(passing)
    colours = [product.colour for product in passing if product.colour]
    assert dict(shared.facets("colour", filter)) == {colour: colours.count(colour) for colour in colours}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("upsert"), st.lists(products(), max_size=3)),
        st.tuples(st.just("delete"), st.lists(ids, max_size=3)),
        st.tuples(st.just("embed"), st.lists(shas, min_size=1, max_size=3, unique=True)),
        st.tuples(st.just("fetch"), shas),
        st.tuples(st.just("stock"), st.lists(ids, max_size=3)),
    ),
    max_size=8,
)


@RELAXED
@given(steps)
def test_the_change_log_tells_the_whole_story(shared: Catalogue, history: list[tuple[str, Any]]) -> None:
    """A follower that knows nothing but the log ends with exactly the vectors and columns that there are."""
    features, log = Features(shared.engine), ChangeLog(shared.engine)
    fresh(shared)
    features.delete_embedder("e")
    start = log.last_seq()
    model: dict[str, Product] = {}
    fetched: dict[int, str] = {}

    def upsert(batch: list[Product]) -> None:
        shared.upsert(batch)
        model.update({product.product_id: product for product in batch})

    def delete(gone: list[str]) -> None:
        assert shared.delete(gone) == len(set(gone) & set(model))
        for product_id in gone:
            model.pop(product_id, None)

    def embed(files: list[str]) -> None:
        features.put("e", [FeatureRow(sha256, np.eye(8)[int(sha256, 16)], {}) for sha256 in files])

    def fetch(sha256: str) -> None:
        rows = [row.vector_id for batch in shared.unfetched_pictures() for row in batch]
        fetched.update(dict.fromkeys(rows, sha256))
        shared.attach_pictures(dict.fromkeys(rows, sha256))

    def stock(some: list[str]) -> None:
        shared.set_in_stock(some, False)
        for product_id in set(some) & set(model):
            model[product_id] = model[product_id].model_copy(update={"in_stock": False})

    actions: dict[str, Callable[[Any], None]] = {
        "upsert": upsert,
        "delete": delete,
        "embed": embed,
        "fetch": fetch,
        "stock": stock,
    }
    follower: dict[int, Any] = {}
    seq = start
    for action, argument in history:
        actions[action](argument)
        # The follower reads one line at a time, as late as it likes: it must end right whatever it sees between.
        while changes := log.since(seq, limit=2):
            for change in changes:
                assert change.seq == seq + 1
                seq = change.seq
                if change.op == "delete":
                    follower.pop(change.vector_id, None)
                elif change.op == "upsert" or change.vector_id in follower:
                    columns = features.columns([change.vector_id], "e")
                    follower.update(columns)
    live = {
        int(vector_id): columns
        for batch in features.iterate("e", batch_size=2)
        for vector_id, columns in zip(batch.vector_ids, batch.columns, strict=True)
    }
    assert follower == live
    for product_id, product in model.items():
        stored = shared.get(product_id)
        assert stored.in_stock == product.in_stock
        shown = [(status.sha256, status.source_url) for status in shared.picture_status(product_id)]
        for wanted, (sha256, url) in zip(product.pictures, shown, strict=True):
            assert sha256 == wanted.sha256 or (wanted.sha256 is None and (sha256 is None or wanted.source_url == url))
    assert {product.product_id for product in shared.iterate()} == set(model)


def test_prices_are_exact(catalogue: Catalogue) -> None:
    prices = [Decimal(text) for text in ("0", "0.0001", "19.99", "999999999999.9999")]
    rows = [Product(product_id=str(n), name="x", price=price, currency="EUR") for n, price in enumerate(prices)]
    catalogue.upsert(rows)
    assert [product.price for product in catalogue.iterate()] == prices
