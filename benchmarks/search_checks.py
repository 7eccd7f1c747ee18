"""Filters and changes, measured on an index of any size."""

import time
from collections.abc import Callable
from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.search_catalogue import EMBEDDER
from benchmarks.search_report import Measured, Row
from Data.catalogue import Catalogue
from Data.features import FeatureRow, Features
from Data.filters import Filter
from Data.index.allowed import Allowed
from Data.index.base import VectorIndex
from Data.index.generations import Generation
from Data.index.live import LiveIndex
from Data.product import Picture, Product

TOP, SEED = 10, 20
SHARES = (1.0, 0.1, 0.01, 0.001)
Find = Callable[[NDArray[np.float32]], ArrayLike]


def measure_filters(
    size: int, generation: Generation, live: LiveIndex, queries: NDArray[np.float32], measured: Measured
) -> None:
    """Measure recall and time under random rows of several shares, and under real columns by the live index."""
    rows, columns = generation.rows, generation.columns
    for share in SHARES:
        mask = np.random.default_rng(SEED).random(size) < share
        allowed = Allowed(mask)
        truth = rows.search(queries, TOP, allowed)[0][:, -1]
        recall, again = searched(with_rows(generation.index, allowed), queries, truth)
        _, new = searched(with_mask(generation.index, mask), queries[:50], truth[:50])
        measured.add("filters", filter_row(size, f"random rows, {share:.1%}", allowed.share, recall, new, again))
    dress, shoes = "dresses", "casual-shoes"
    middle = Filter(gender=("men",), in_stock=True, min_price=Decimal(20), max_price=Decimal(60))
    for name, wanted in (
        ("shoes for any picture", Filter(category=(shoes,))),
        ("dresses for any picture", Filter(category=(dress,))),
        ("men, in stock, 20 to 60", middle),
        ("one frequent brand", Filter(brand=("Brand 1",))),
    ):
        allowed = Allowed(columns.mask(wanted))
        truth = rows.search(queries, TOP, allowed)[0][:, -1]
        recall, again = searched(by_live(live, wanted, forget=False), queries, truth)
        _, new = searched(by_live(live, wanted, forget=True), queries[:50], truth[:50])
        measured.add("filters", filter_row(size, f"{name} (live)", allowed.share, recall, new, again))


def filter_row(size: int, name: str, share: float, recall: float, new_ms: float, again_ms: float) -> Row:
    """Return what a filter did: new_ms with the mask made for the query, again_ms with the mask at hand."""
    return {
        "size": size,
        "filter": name,
        "share": share,
        "recall@10": recall,
        "p50_new_ms": new_ms,
        "p50_again_ms": again_ms,
    }


def with_rows(index: VectorIndex, allowed: Allowed) -> Find:
    """Return a search under a filter that is at hand."""
    return lambda query: index.search(query, TOP, allowed).scores[0]


def with_mask(index: VectorIndex, mask: NDArray[np.bool_]) -> Find:
    """Return a search that packs its mask first."""
    return lambda query: index.search(query, TOP, Allowed(mask)).scores[0]


def by_live(live: LiveIndex, wanted: Filter, forget: bool) -> Find:
    """Return a search by the live index; with forget, its columns are looked through each time."""

    def find(query: NDArray[np.float32]) -> ArrayLike:
        if forget:
            live._snapshot._filters.clear()
        return [hit.cosine for hit in live.search(query, TOP, wanted)[0]]

    return find


def searched(find: Find, queries: NDArray[np.float32], truth: NDArray[np.float32]) -> tuple[float, float]:
    """Return recall@10 and the median milliseconds.

    Args:
        truth: Cosine of each query's true tenth. Shape: (n,).
    """
    good, times = [], []
    for query, worst in zip(queries, truth, strict=True):
        begun = time.perf_counter()
        scores = np.asarray(find(query[None]))
        times.append(time.perf_counter() - begun)
        good.append((scores >= worst - 1e-5).sum() / TOP)
    return float(np.mean(good)), 1e3 * float(np.median(times))


def measure_changes(size: int, catalogue: Catalogue, live: LiveIndex, measured: Measured) -> None:
    """Measure how long after its commit a new product, and its deletion, are seen by an index that follows."""
    rng = np.random.default_rng(SEED)
    delays: dict[str, list[float]] = {"new": [], "deleted": []}
    live.start()
    for number in range(10):
        raw = rng.standard_normal(live.facts().dimension)
        vector = (raw / np.linalg.norm(raw)).astype(np.float32)
        product_id, sha = f"new{number}", f"{10**9 + number:064x}"
        catalogue.upsert([Product(product_id=product_id, name=product_id, pictures=(Picture(sha256=sha),))])
        Features(catalogue.engine).put(EMBEDDER, [FeatureRow(sha, vector)])
        delays["new"].append(seconds_until(live, vector, product_id, there=True))
        catalogue.delete([product_id])
        delays["deleted"].append(seconds_until(live, vector, product_id, there=False))
        time.sleep(0.13)
    live.stop()
    for what, seconds in delays.items():
        row = {"size": size, "change": what, "median_s": float(np.median(seconds)), "most_s": max(seconds)}
        measured.add("changes", row)


def seconds_until(live: LiveIndex, vector: NDArray[np.float32], product_id: str, there: bool) -> float:
    """Return the seconds until a product is first for its own vector, or no longer."""
    begun = time.perf_counter()
    while (live.search(vector[None], 1)[0][0].product_id == product_id) != there:
        time.sleep(0.002)
        if time.perf_counter() - begun > 30:
            raise TimeoutError("a change was not seen within 30 s")
    return time.perf_counter() - begun
