"""Does one piece of work in a forked child per line on standard input, so that it can be killed; run by test_kill.py.

Lines are "build <root> <kind>" and "upsert <root> <first>". The child prints "go <pid>" when it begins, "saved <n>" and
"gone <n>" once a product is committed or deleted, and "done" at the end; then "over" follows.
"""

import os
import sys
import traceback
from decimal import Decimal
from pathlib import Path

import numpy as np

from Data.catalogue import Catalogue
from Data.features import FeatureRow, Features
from Data.index.builder import build_generation
from Data.product import Picture, Product

EMBEDDER, DIM = "embedder-a", 32


def say(text: str) -> None:
    """Write a line at once."""
    os.write(1, (text + "\n").encode())


def vector(number: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """Return the vector of a product, around one of fifty centres."""
    raw = np.random.default_rng(number % 50).standard_normal(DIM)
    raw = raw + 0.6 * np.random.default_rng(1000 + number).standard_normal(DIM)
    return np.asarray(raw / np.linalg.norm(raw), np.float32)


def save(catalogue: Catalogue, numbers: range) -> None:
    """Save products with their features, in two transactions as the indexer does."""
    price = Decimal(10)
    catalogue.upsert(
        [
            Product(
                product_id=f"p{number}",
                name=f"Product {number}",
                price=price,
                final_price=price,
                currency="EUR",
                pictures=(Picture(sha256=f"{number:064x}"),),
            )
            for number in numbers
        ]
    )
    Features(catalogue.engine).put(EMBEDDER, [FeatureRow(f"{number:064x}", vector(number)) for number in numbers])


def work(line: str) -> None:
    """Do what a line says."""
    what, root, argument = line.split()
    catalogue = Catalogue.open(f"sqlite:///{Path(root) / 'catalogue.sqlite'}")
    if what == "fill":
        for start in range(0, int(argument), 500):
            save(catalogue, range(start, min(start + 500, int(argument))))
        return
    say(f"go {os.getpid()}")
    if what == "build":
        features = Features(catalogue.engine)
        build_generation(
            Path(root) / "index",
            features,
            EMBEDDER,
            kind=argument,  # type: ignore[arg-type]
            recall_target=0.9,
            threads=1,
            batch_size=200,
        )
    else:
        first = int(argument)
        for number in range(first, first + 20):
            save(catalogue, range(number, number + 1))
            say(f"saved {number}")
            if number % 3 == 0:
                catalogue.delete([f"p{number}"])
                say(f"gone {number}")
    say("done")


def main() -> None:
    """Fork a child for each line and wait for its end."""
    say("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work(line)
                status = 0
            finally:
                if status:
                    traceback.print_exc()
                sys.stderr.flush()
                os._exit(status)
        _, status = os.waitpid(child, 0)
        say(f"over {status}")


if __name__ == "__main__":
    main()
