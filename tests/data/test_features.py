"""Features, the change log and leases."""

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from Data.catalogue import Catalogue
from Data.changes import ChangeLog
from Data.errors import ChangesPruned, DimensionMismatch, LeaseHeld, VectorsInvalid
from Data.features import FeatureRow, Features, ProductColumns
from Data.leases import Lease
from Data.product import Picture, Product


def sha(number: int) -> str:
    return f"{number:064x}"


def unit(seed: int, dim: int = 16) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=dim).astype(np.float32)
    return vector / np.linalg.norm(vector)


def show(catalogue: Catalogue, count: int) -> None:
    catalogue.upsert(
        [
            Product(product_id=f"{number:03}", name="Shirt", pictures=(Picture(sha256=sha(number)),))
            for number in range(count)
        ]
    )


def test_vectors_come_back_as_float16(catalogue: Catalogue) -> None:
    show(catalogue, 25)
    features = Features(catalogue.engine)
    rows = [FeatureRow(sha(number), unit(number), {"coverage": 0.5, "box": [0, 0, 1, 1]}) for number in range(25)]
    features.put("e", rows)
    features.put("e", rows[:3])  # again is no fault
    features.put("e", [])
    stored = features.get([sha(3), sha(99), sha(1)], "e")
    assert set(stored) == {sha(1), sha(3)}
    assert stored[sha(3)].attributes == rows[3].attributes
    np.testing.assert_array_equal(stored[sha(3)].vector, rows[3].vector.astype(np.float16))
    batches = list(features.iterate("e", batch_size=10))
    assert [len(batch) for batch in batches] == [10, 10, 5]
    np.testing.assert_array_equal(np.concatenate([batch.vector_ids for batch in batches]), np.arange(1, 26))
    expected = np.stack([row.vector for row in rows]).astype(np.float16)
    vectors = np.concatenate([batch.vectors for batch in batches])
    np.testing.assert_array_equal(vectors, expected)
    assert vectors.dtype == np.float16
    assert batches[0].vector_ids.dtype == np.int64
    some = features.by_vector_ids(np.array([7, 999, 2]), "e")
    np.testing.assert_array_equal(some.vector_ids, [2, 7])
    np.testing.assert_array_equal(some.vectors, expected[[1, 6]])
    assert len(features.by_vector_ids([], "e")) == 0
    assert features.count("e") == 25
    assert features.count("another") == 0
    assert features.embedders() == ["e"]


def test_columns_follow_the_product(catalogue: Catalogue) -> None:
    features = Features(catalogue.engine)
    colours = {"colours": [{"name": "navy", "share": 0.3}, {"name": "white", "share": 0.6}]}
    catalogue.upsert(
        [
            Product(
                product_id="a",
                name="Shirt",
                brand="X",
                category="shirt",
                gender="men",
                age_group="kids",
                colour="Red",
                price=Decimal("20.00"),
                final_price=Decimal("14.5"),
                currency="EUR",
                in_stock=False,
                group_id="g",
                pictures=(Picture(sha256=sha(1)),),
            ),
            Product(product_id="b", name="Shirt", price=Decimal(1), currency="USD", pictures=(Picture(sha256=sha(1)),)),
            Product(product_id="c", name="Shirt", pictures=(Picture(sha256=sha(2)),)),
        ]
    )
    features.put("e", [FeatureRow(sha(1), unit(1), colours), FeatureRow(sha(2), unit(2))])
    assert features.columns([1, 2, 3, 4], "e") == {
        1: ProductColumns("a", "shirt", "men", "kids", "X", "red", 145_000, False, "g"),
        2: ProductColumns("b", None, None, None, None, "white", None, True, None),
        3: ProductColumns("c", None, None, None, None, None, None, True, None),
    }
    (batch,) = features.iterate("e")
    assert list(batch.columns) == [features.columns([number], "e")[number] for number in (1, 2, 3)]


@pytest.mark.parametrize(
    "vector",
    [np.zeros(16), np.full(16, np.nan), np.full(16, np.inf), np.ones(16), unit(1) * 1.02, np.eye(16)[0] * -0.9],
)
def test_a_vector_must_be_of_unit_length(catalogue: Catalogue, vector: np.ndarray) -> None:
    show(catalogue, 2)
    features = Features(catalogue.engine)
    with pytest.raises(VectorsInvalid, match=sha(1)[:12]):
        features.put("e", [FeatureRow(sha(0), unit(0)), FeatureRow(sha(1), vector)])
    assert features.count("e") == 0
    assert ChangeLog(catalogue.engine).last_seq() == 0


def test_attributes_must_be_json(catalogue: Catalogue) -> None:
    for value in (float("nan"), np.float32(1), {1, 2}):
        with pytest.raises(VectorsInvalid, match="are not JSON"):
            Features(catalogue.engine).put("e", [FeatureRow(sha(0), unit(0), {"coverage": value})])


def test_one_dimension_for_one_embedder(catalogue: Catalogue) -> None:
    features = Features(catalogue.engine)
    with pytest.raises(DimensionMismatch):
        features.put("e", [FeatureRow(sha(0), unit(0)), FeatureRow(sha(1), unit(1, dim=8))])
    features.put("e", [FeatureRow(sha(0), unit(0))])
    with pytest.raises(DimensionMismatch, match="16 dimensions and these have 8"):
        features.put("e", [FeatureRow(sha(1), unit(1, dim=8))])
    features.put("other", [FeatureRow(sha(1), unit(1, dim=8))])
    assert features.delete_embedder("e") == 1
    features.put("e", [FeatureRow(sha(1), unit(1, dim=8))])


def test_features_that_nobody_shows(catalogue: Catalogue) -> None:
    show(catalogue, 2)
    features = Features(catalogue.engine)
    features.put("e", [FeatureRow(sha(number), unit(number)) for number in range(4)])
    assert features.delete_unused() == 2
    assert set(features.get([sha(number) for number in range(4)], "e")) == {sha(0), sha(1)}


def test_the_log_can_be_pruned_behind_its_followers(catalogue: Catalogue) -> None:
    show(catalogue, 6)
    log = ChangeLog(catalogue.engine)
    Features(catalogue.engine).put("e", [FeatureRow(sha(number), unit(number)) for number in range(6)])
    assert [change.seq for change in log.since(0, limit=4)] == [1, 2, 3, 4]
    assert log.prune(before_seq=4) == 3
    assert [change.seq for change in log.since(3)] == [4, 5, 6]
    with pytest.raises(ChangesPruned, match="pruned through 3"):
        log.since(2)
    assert log.prune(before_seq=2) == 0
    assert log.prune(before_seq=1000) == 3
    assert log.since(6) == []
    assert len(log) == 0
    catalogue.delete(["000"])
    assert [(change.seq, change.op) for change in log.since(6)] == [(7, "delete")]


def test_a_lease_has_one_holder(new_database: Callable[[], str]) -> None:
    with Catalogue.open(new_database()) as catalogue:
        catalogue.migrate()
        ours = Lease(catalogue.engine, "indexer", "us", ttl_s=60)
        theirs = Lease(catalogue.engine, "indexer", "them", ttl_s=0.001)
        with ours:
            ours.acquire()  # again is no fault
            ours.renew()
            for attempt in (theirs.acquire, theirs.renew):
                with pytest.raises(LeaseHeld, match="us holds the lease 'indexer'"):
                    attempt()
            theirs.release()  # is not theirs to give back
            assert ours.current_holder() == "us"
            Lease(catalogue.engine, "another", "them").acquire()
        assert ours.current_holder() is None
        theirs.acquire()
        while theirs.current_holder() is not None:
            pass  # a thousandth of a second
        with pytest.raises(LeaseHeld):
            theirs.renew()  # too late, even if nobody has come
        ours.acquire()
        assert ours.current_holder() == "us"
        with pytest.raises(ValueError, match="ttl_s"):
            Lease(catalogue.engine, "indexer", "us", ttl_s=0)
