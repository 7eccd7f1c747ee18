"""Searches an index that another process changes, in two threads, and tells what it saw; run by test_soak.py.

Arguments: the folder of the catalogue, the file of the shared record, seconds. The record holds four rows of float64:
when product n was saved, made dear, deleted (seconds since 1970, 0 for not yet), and in its last row the count.
"""

import json
import random
import sys
import threading
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np

from Data.catalogue import Catalogue
from Data.errors import DataError
from Data.filters import Filter
from Data.index.live import LiveIndex

EMBEDDER, DIM = "embedder-a", 64
SAVED, DEAR, GONE, STATE = range(4)
DEAR_ONLY = Filter(min_price=Decimal(500))


def vector(number: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Return the vector of a product."""
    raw = np.random.default_rng(number).standard_normal(DIM)
    return np.asarray(raw / np.linalg.norm(raw), np.float32)


class Reader:
    """One thread's searches and what came of them."""

    def __init__(self, index: LiveIndex, record: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> None:
        self.index, self.record = index, record
        self.seen: Counter[str] = Counter()
        self.staleness: dict[str, float] = {"saved": 0.0, "dear": 0.0, "gone": 0.0}
        self.generations: set[str] = set()
        self.times: list[float] = []
        self.faults: list[str] = []

    def run(self, until: float) -> None:
        """Search until then: now the newest product, now any."""
        while time.time() < until:
            count = int(self.record[STATE, 0])
            if not count:
                time.sleep(0.01)
                continue
            number = count - 1 - random.randrange(min(count, 5 if random.random() < 0.5 else count))
            try:
                self.look(number)
            except (DataError, OSError, RuntimeError, ValueError, AssertionError) as error:
                self.faults.append(f"{type(error).__name__}: {error}")

    def look(self, number: int) -> None:
        """Search for one product by its own vector and compare with when it was saved, made dear and deleted."""
        wanted = DEAR_ONLY if random.random() < 0.3 else Filter()
        before = self.record[:3, number].copy()
        begun = time.time()
        hits = self.index.search(vector(number)[None], 5, wanted)[0]
        self.times.append(time.time() - begun)
        after = self.record[:3, number].copy()
        self.seen["searches"] += 1
        self.generations.add(str(self.index.facts().generation) if self.seen["searches"] % 50 == 0 else "")
        found = bool(hits) and hits[0].product_id == f"p{number}"
        assert not found or hits[0].cosine > 0.999, "found with another vector"
        assert len(hits) == 5 or wanted is DEAR_ONLY, "too few results"
        assert found == any(hit.product_id == f"p{number}" for hit in hits), "not first for its own vector"
        if before[GONE] and found:
            self.stale("gone", begun - before[GONE])
        elif not after[GONE] and not found and wanted is DEAR_ONLY and before[DEAR]:
            self.stale("dear", begun - before[DEAR])
        elif not after[GONE] and not found and wanted is not DEAR_ONLY and before[SAVED]:
            self.stale("saved", begun - before[SAVED])
        else:
            self.seen["fresh"] += 1

    def stale(self, what: str, seconds: float) -> None:
        """Note that a change of so many seconds ago is not seen yet."""
        self.seen[f"behind on {what}"] += 1
        self.staleness[what] = max(self.staleness[what], seconds)


def main() -> None:
    """Read, and print what was seen as JSON."""
    root, seconds = Path(sys.argv[1]), float(sys.argv[3])
    record = np.memmap(sys.argv[2], np.float64, "r").reshape(4, -1)
    catalogue = Catalogue.open(f"sqlite:///{root / 'catalogue.sqlite'}")
    index = LiveIndex(root / "index", catalogue.engine, EMBEDDER)
    index.start()
    readers = [Reader(index, record) for _ in range(2)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    threads = [threading.Thread(target=reader.run, args=(time.time() + seconds,)) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index.stop()
    seen: Counter[str] = sum((reader.seen for reader in readers), Counter())
    times = np.array([value for reader in readers for value in reader.times])
    result = {
        "seen": seen,
        "staleness": {what: max(reader.staleness[what] for reader in readers) for what in ("saved", "dear", "gone")},
        "generations": sorted(set().union(*(reader.generations for reader in readers)) - {""}),
        "p50_ms": float(np.median(times) * 1e3),
        "p99_ms": float(np.quantile(times, 0.99) * 1e3),
        "faults": [fault for reader in readers for fault in reader.faults][:20],
        "problem": index.facts().problem,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
