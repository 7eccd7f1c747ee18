"""The catalogue: import against sync, tables of up to a million rows, and the way from a tar to the first answer.

    python -m benchmarks.catalogue [--limit 500] [--sizes 10000,100000,1000000] [--parts feeds,sizes,user]

On SQLite and on PostgreSQL, each import and sync in a process of its own. A part that is left out keeps what an earlier
run with the same --work has measured. All of it takes some forty minutes on two cores, most of them for looking at
39,666 pictures.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.catalogue_databases import KINDS, database_bytes, empty_database
from benchmarks.catalogue_feeds import write_table, write_tar
from benchmarks.catalogue_report import Measured, write_report
from benchmarks.provenance import REPOSITORY, RESULTS
from tests.databases import running_postgresql

LAYOUT = "fashion-product-images"
PARTS = ("feeds", "sizes", "user")


def main() -> int:
    """Measure the parts that are wanted and write the results; return 1 where the tar is needed and missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, help="products of the tar, all by default")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="rows of the generated tables")
    parser.add_argument("--databases", default=",".join(KINDS))
    parser.add_argument("--parts", default=",".join(PARTS), help="what to measure")
    parser.add_argument("--repeats", type=int, default=3, help="imports of the tar, each with two syncs")
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared", help="folder with data/*.tar")
    parser.add_argument("--work", type=Path, default=REPOSITORY / ".similook" / "benchmarks" / "catalogue")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    parts, databases = chosen.parts.split(","), chosen.databases.split(",")
    tar = chosen.shared / "data" / f"{LAYOUT}-small.tar"
    if not tar.is_file() and {"feeds", "user"} & set(parts):
        print(f"{tar} is missing: say where the sets are with --shared, or measure --parts sizes alone.")
        return 1
    chosen.work.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        bench = Bench(
            chosen.work, stack.enter_context(running_postgresql(durable=True)) if "postgresql" in databases else None
        )
        for part in (part for part in PARTS if part in parts):
            measured = Measured(part)
            if part == "feeds":
                bench.feeds(tar, chosen.limit, databases, chosen.repeats, measured)
            elif part == "sizes":
                bench.sizes([int(text) for text in chosen.sizes.split(",")], databases, measured)
            else:
                bench.user(tar, chosen.limit, measured)
            measured.save(chosen.work)
            write_report(chosen.out, [kept for name in PARTS if (kept := Measured.load(chosen.work, name))])
    return 0


class Bench:
    """The three parts.

    Args:
        work: folder for feeds, databases and pictures; what lies there may be replaced.
        server: PostgreSQL's address, None where it is not measured.
    """

    def __init__(self, work: Path, server: str | None) -> None:
        self._work = work
        self._server = server

    def feeds(self, tar: Path, limit: int | None, databases: list[str], repeats: int, measured: Measured) -> None:
        """Import the tar, sync it with one product in a hundred changed, and sync it back; databases take turns."""
        base, changed = self._tar(tar, limit), self._work / "changed.tar"
        write_tar(tar, changed, limit, changed=True)
        for _ in range(repeats):
            for kind in databases:
                pictures = self._fresh("pictures")
                with empty_database(kind, self._work, self._server) as url:
                    for step, feed in (("import", base), ("sync", changed), ("sync", base)):
                        found = probe(step, LAYOUT, feed, url, pictures)
                        measured.add({"database": kind, "step": step, **found})

    def sizes(self, sizes: list[int], databases: list[str], measured: Measured) -> None:
        """Import generated tables, and sync them with one price in a hundred changed."""
        for size in sizes:
            base, changed = self._work / f"{size}.csv", self._work / f"{size}-changed.csv"
            write_table(base, size, changed=False)
            write_table(changed, size, changed=True)
            for kind in databases:
                pictures = self._fresh("pictures")
                with empty_database(kind, self._work, self._server) as url:
                    for step, feed in (("import", base), ("sync", changed)):
                        found = probe(step, "table", feed, url, pictures)
                        found["database_mb"] = database_bytes(url) / 2**20
                        measured.add({"database": kind, "step": step, **found})
            base.unlink()
            changed.unlink()

    def user(self, tar: Path, limit: int | None, measured: Measured) -> None:
        """Type what a user would: import, index, search, on SQLite with the shipped weights."""
        base, data_dir = self._tar(tar, limit), self._fresh("data")
        photo, product_id = first_picture(base, self._work / "photo.jpg")
        typed = (
            ("import", LAYOUT, str(base)),
            ("index",),
            ("search", str(photo), "--json", "-k", "5"),
        )
        for step, *arguments in typed:
            command = [sys.executable, "-m", "Backend.cli", step, *arguments, "--data-dir", str(data_dir)]
            begun = time.perf_counter()
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
            row: dict[str, Any] = {"step": step, "seconds": time.perf_counter() - begun}
            if step == "search":
                answers = [each["product_id"] for each in json.loads(done.stdout)["similar_products"]]
                row["said"] = f"the product itself is answer {answers.index(product_id) + 1}"
            else:
                row["said"] = done.stdout.strip().splitlines()[-1 if step == "index" else 0]
            measured.add(row)
        shutil.rmtree(data_dir)

    def _tar(self, tar: Path, limit: int | None) -> Path:
        """Return the tar itself, or one of its first products."""
        if limit is None:
            return tar
        write_tar(tar, self._work / "limited.tar", limit, changed=False)
        return self._work / "limited.tar"

    def _fresh(self, name: str) -> Path:
        """Return an empty folder."""
        folder = self._work / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder


def probe(step: str, layout: str, feed: Path, url: str, pictures: Path) -> dict[str, Any]:
    """Run catalogue_probe in a process of its own and return what it printed."""
    arguments = [step, layout, str(feed), url, str(pictures)]
    command = [sys.executable, "-m", "benchmarks.catalogue_probe", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def first_picture(tar: Path, target: Path) -> tuple[Path, str]:
    """Write the first product's picture to a file; return the file and the product's id."""
    with tarfile.open(tar) as files:
        table = files.extractfile("styles.csv")
        assert table is not None
        product_id = table.read().decode("utf-8-sig").splitlines()[1].split(",")[0]
        picture = files.extractfile(f"images/{product_id}.jpg")
        assert picture is not None
        target.write_bytes(picture.read())
    return target, product_id


if __name__ == "__main__":
    sys.exit(main())
