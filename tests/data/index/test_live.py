"""The live index answers as a plain scan of the tables does, before, while and after a base is there."""

import time
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from Data.errors import DimensionMismatch, ForeignEmbedder, VectorsInvalid
from Data.filters import Filter
from Data.index.builder import build_generation
from Data.index.generations import rollback
from Data.index.live import LiveIndex

EMBEDDER = "embedder-a"

FILTERS = [
    Filter(),
    Filter(category=("dress",)),
    Filter(category=("dress", "bag"), gender=("men",)),
    Filter(brand=("Çelik",), in_stock=True),
    Filter(min_price=Decimal("5.5"), max_price=Decimal(20)),
    Filter(max_price=Decimal("0.5")),
    Filter(age_group=("kids",), colour=("red", "blue")),
    Filter(in_stock=False),
    Filter(product_ids=frozenset({"p1", "p2", "p50", "missing"})),
    Filter(exclude_product_ids=frozenset({"p1", "p2"})),
    Filter(exclude_product_ids=frozenset(f"p{number}" for number in range(50))),
    Filter(brand=("nobody",)),
]


def assert_same(shop: Any, index: LiveIndex, k: int = 10, queries: int = 3) -> None:
    """Compare answers under all filters with the scan of the tables."""
    products = list(shop.catalogue.iterate())
    categories = {product.product_id: product.category for product in products}
    for wanted in FILTERS:
        for _ in range(queries):
            query = shop.vector()[None]
            for by in ("product", "group"):
                found = index.search(query, k, wanted, by=by)[0]
                expected = shop.expected(query, k, wanted, by, products)
                assert len(found) == len(expected), (wanted, by)
                np.testing.assert_allclose(
                    [hit.cosine for hit in found], [score for _, score in expected], atol=1e-4, err_msg=str(wanted)
                )
                assert [hit.product_id for hit in found] == [product for product, _ in expected]
                assert [hit.category for hit in found] == [categories[hit.product_id] for hit in found]


def test_without_a_generation_everything_is_held_in_memory(shop: Any) -> None:
    assert LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER).search(shop.vector()[None], 5) == [[]]
    shop.fill(60, pictures=2)
    index = LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)
    assert_same(shop, index)
    assert (index.facts().generation, index.facts().delta, index.facts().product_count) == (None, 120, 60)


def test_a_base_answers_as_the_tables_do(shop: Any) -> None:
    shop.fill(90, pictures=2)
    manifest = build_generation(shop.directory, shop.features, EMBEDDER)
    index = LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)
    assert_same(shop, index)
    facts = index.facts()
    assert (facts.generation, facts.delta, facts.total_vectors) == (manifest.generation, 0, 180)
    assert facts.product_count == 90


def test_changes_are_seen_at_the_next_refresh(shop: Any) -> None:
    products = shop.fill(90, pictures=2)
    build_generation(shop.directory, shop.features, EMBEDDER)
    index = LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)
    shop.fill(40, pictures=2, first=200)
    shop.catalogue.delete([f"p{number}" for number in range(30)])
    shop.catalogue.delete(["p201", "p202"])
    cheap = [
        product.model_copy(
            update={
                "price": Decimal(6),
                "final_price": Decimal(6),
                "currency": "EUR",
                "brand": "Çelik",
                "in_stock": True,
            }
        )
        for product in products[40:60]
    ]
    shop.catalogue.upsert(cheap)
    shop.put([shop.product(70, 1)])
    index.refresh()
    assert_same(shop, index)
    assert index.facts().product_count == shop.catalogue.count()
    # Folding everything into a new base changes no answer.
    second = build_generation(shop.directory, shop.features, EMBEDDER)
    index.refresh()
    assert (index.facts().generation, index.facts().delta) == (second.generation, 0)
    assert_same(shop, index)
    # The one before still leads to the same answers, by the log.
    shop.fill(5, first=400)
    rollback(shop.directory)
    index.refresh()
    assert index.facts().generation == "000001"
    assert_same(shop, index)


def test_longer_answers_begin_with_the_shorter(shop: Any) -> None:
    shop.fill(300, pictures=3)
    build_generation(shop.directory, shop.features, EMBEDDER)
    shop.fill(30, pictures=2, first=1000)
    index = LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)
    query = shop.vector()[None]
    whole = index.search(query, 200)[0]
    assert len(whole) == 200
    for k in (1, 10, 57, 199):
        assert index.search(query, k)[0] == whole[:k]
    assert len(index.search(query, 1000)[0]) == 330


@pytest.mark.parametrize(("twins", "pictures"), [(30, 1), (90, 3), (500, 1), (300, 2)])
def test_longer_answers_begin_with_the_shorter_where_many_pictures_are_the_same(
    shop: Any, twins: int, pictures: int
) -> None:
    """A shop's one picture for everything: `twins` products in the base and half as many beside it show it."""
    same = shop.vector()

    def fill(count: int, first: int) -> None:
        products = [shop.product(number, pictures) for number in range(first, first + count)]
        for product in products:
            shop.vectors.update({picture.sha256: same for picture in product.pictures})
        shop.put(products)

    fill(twins, 0)
    shop.fill(250, first=5000)
    build_generation(shop.directory, shop.features, EMBEDDER)
    fill(twins // 2, 2000)
    index = LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)
    near = shop.vector()
    for query in (same[None], (near / np.linalg.norm(near))[None]):
        for by in ("product", "group", "picture"):
            whole = index.search(query, 200, by=by)[0]
            assert len({hit.vector_id if by == "picture" else hit.product_id for hit in whole}) == 200
            for k in (1, 5, 10, 57, 120, 199):
                assert index.search(query, k, by=by)[0] == whole[:k]


def test_equal_cosines_come_in_the_order_of_their_numbers(shop: Any) -> None:
    same = shop.vector()
    products = [shop.product(number) for number in range(40)]
    shop.vectors.update({product.pictures[0].sha256: same for product in products})
    shop.put(products[:30])
    build_generation(shop.directory, shop.features, EMBEDDER)
    shop.put(products[30:])
    index = LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)
    for k in (3, 35):
        assert [hit.product_id for hit in index.search(same[None], k)[0]] == [f"p{number}" for number in range(k)]


def test_facets_count_products(shop: Any) -> None:
    shop.fill(50, pictures=2)
    build_generation(shop.directory, shop.features, EMBEDDER)
    products = shop.fill(20, pictures=2, first=100)
    shop.catalogue.upsert([products[0].model_copy(update={"category": "hat"})])
    shop.catalogue.delete(["p3"])
    index = LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)
    for wanted in (Filter(), Filter(in_stock=True), Filter(gender=("women",))):
        passing = [product for product in shop.catalogue.iterate() if wanted.matches(product, "EUR")]
        for field in ("category", "brand", "colour"):
            values = [value for product in passing if (value := getattr(product, field)) is not None]
            expected = sorted(((value, values.count(value)) for value in set(values)), key=lambda e: (-e[1], e[0]))
            assert index.facets(field, wanted) == expected


def test_bad_queries_are_refused(shop: Any) -> None:
    shop.fill(5)
    index = LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)
    with pytest.raises(DimensionMismatch, match="16"):
        index.search(np.eye(1, 8, dtype=np.float32), 5)
    for wrong in (np.nan, 0.0, np.inf, 7.0):
        with pytest.raises(VectorsInvalid, match="length"):
            index.search(np.full((1, 16), wrong, np.float32), 5)


def overwrite(shop: Any, picture: int, vector: Any) -> None:
    """Put a vector into the table behind the back of Features, which would refuse it."""
    with shop.catalogue.engine.execution_options(similook_write=True).begin() as connection:
        connection.execute(
            text("UPDATE features SET vector = :v WHERE picture_sha256 = :sha"),
            {"v": np.asarray(vector, "<f2").tobytes(), "sha": f"{picture:064x}"},
        )


@pytest.mark.parametrize("wrong", [np.nan, 0.0, np.inf, 3.0])
def test_a_bad_vector_in_the_database_hides_its_own_product_alone(shop: Any, wrong: float, caplog: Any) -> None:
    shop.fill(8)
    build_generation(shop.directory, shop.features, EMBEDDER)
    index = LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)
    shop.fill(4, first=100)
    overwrite(shop, 10, np.full(16, wrong))
    index.refresh()
    expected = {f"p{number}" for number in (*range(8), 100, 102, 103)}
    for following in (index, LiveIndex(shop.directory.parent / "none yet", shop.catalogue.engine, EMBEDDER)):
        hits = following.search(shop.vector()[None], 50)[0]
        assert {hit.product_id for hit in hits} == expected
        assert all(-1.0 <= hit.cosine <= 1.0 for hit in hits)
    assert "vector 10 in the database" in caplog.text
    assert "embed its picture again" in caplog.text


def test_vectors_of_another_length_stop_the_following_and_not_the_serving(shop: Any) -> None:
    shop.fill(8)
    build_generation(shop.directory, shop.features, EMBEDDER)
    index = LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)
    shop.fill(1, first=100)
    overwrite(shop, 9, np.eye(1, 8))
    with pytest.raises(DimensionMismatch, match="16"):
        index.refresh()
    assert {hit.product_id for hit in index.search(shop.vector()[None], 50)[0]} == {f"p{number}" for number in range(8)}
    index.start()
    until = time.monotonic() + 20
    while index.facts().problem is None and time.monotonic() < until:
        time.sleep(0.02)
    index.stop()
    assert "16" in (index.facts().problem or "")


def test_a_foreign_embedder_is_refused(shop: Any) -> None:
    shop.fill(5)
    build_generation(shop.directory, shop.features, EMBEDDER)
    with pytest.raises(ForeignEmbedder, match="rebuild"):
        LiveIndex(shop.directory, shop.catalogue.engine, "embedder-b")


def test_both_databases_are_followed_alike(either_shop: Any) -> None:
    shop = either_shop
    products = shop.fill(40, pictures=2)
    build_generation(shop.directory, shop.features, EMBEDDER, evaluate=True)
    index = LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)
    shop.fill(10, first=100)
    shop.catalogue.delete(["p1", "p2"])
    shop.catalogue.upsert([products[5].model_copy(update={"category": "hat", "in_stock": False})])
    index.refresh()
    assert_same(shop, index, queries=1)
    build_generation(shop.directory, shop.features, EMBEDDER)
    index.refresh()
    assert_same(shop, index, queries=1)


def test_a_thread_follows_until_it_is_stopped(shop: Any) -> None:
    shop.fill(5)
    index = LiveIndex(shop.directory, shop.catalogue.engine, EMBEDDER)
    index.start()
    index.start()
    shop.fill(1, first=10)
    build_generation(shop.directory, shop.features, EMBEDDER)
    until = time.monotonic() + 20
    while (index.facts().generation, index.facts().product_count) != ("000001", 6) and time.monotonic() < until:
        time.sleep(0.02)
    assert (index.facts().generation, index.facts().product_count) == ("000001", 6)
    index.stop()
    shop.fill(1, first=20)
    time.sleep(0.5)
    assert index.facts().product_count == 6
    index.refresh()
    assert index.facts().product_count == 7
