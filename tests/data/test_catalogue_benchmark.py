"""The catalogue benchmark's own parts: what it changes in a feed, what it measures, and what it makes of that."""

import io
import tarfile
from pathlib import Path

import pytest

from benchmarks.catalogue_feeds import EVERY, write_table, write_tar
from benchmarks.catalogue_probe import measure
from benchmarks.catalogue_report import Measured, growth, ratio, write_report
from Data.importers.fashion_product_images import COLUMNS, TABLE

PRODUCTS = 4 * EVERY


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    """Return a small tar of the published layout."""
    lines = [f"{n},Men,Apparel,Topwear,Shirts,Blue,Summer,2020,Casual,Shirt {n}" for n in range(PRODUCTS + 9)]
    files = {TABLE: "\n".join([",".join(COLUMNS), *lines]).encode()}
    files |= {f"images/{n}.jpg": b"picture" + bytes([n % 251]) for n in range(PRODUCTS + 9)}
    with tarfile.open(tmp_path / "set.tar", "w") as out:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    return tmp_path / "set.tar"


def test_a_sync_of_the_changed_tar_changes_one_product_in_a_hundred(tar: Path, tmp_path: Path) -> None:
    base, changed = tmp_path / "base.tar", tmp_path / "changed.tar"
    assert write_tar(tar, base, PRODUCTS, changed=False) == PRODUCTS
    assert write_tar(tar, changed, PRODUCTS, changed=True) == PRODUCTS
    url, pictures = f"sqlite:///{tmp_path / 'c.sqlite'}", tmp_path / "pictures"
    first = measure("import", "fashion-product-images", base, url, pictures)
    assert (first["rows"], first["created"], first["problems"]) == (PRODUCTS, PRODUCTS, 0)
    for feed in (changed, base):
        again = measure("sync", "fashion-product-images", feed, url, pictures)
        assert (again["rows"], again["changed"], again["unchanged"]) == (PRODUCTS, 4, PRODUCTS - 4)


def test_a_sync_of_the_changed_table_changes_one_price_in_a_hundred(tmp_path: Path) -> None:
    base, changed = tmp_path / "base.csv", tmp_path / "changed.csv"
    write_table(base, PRODUCTS, changed=False)
    write_table(changed, PRODUCTS, changed=True)
    lines = zip(base.read_text().splitlines(), changed.read_text().splitlines(), strict=True)
    assert sum(before != after for before, after in lines) == 4
    url = f"sqlite:///{tmp_path / 'c.sqlite'}"
    assert measure("import", "table", base, url, tmp_path / "pictures")["problems"] == 0
    again = measure("sync", "table", changed, url, tmp_path / "pictures")
    assert (again["changed"], again["unchanged"]) == (4, PRODUCTS - 4)


def test_the_page_says_what_was_measured(tmp_path: Path) -> None:
    def row(step: str, seconds: float, rows: int = 1000) -> dict[str, object]:
        memory = {"start_mb": 90.0, "peak_mb": 100.0 + rows / 1000, "database_mb": 5.0}
        counts = {"created": rows, "changed": 0, "unchanged": 0, "problems": 0}
        return {"database": "sqlite", "step": step, "rows": rows, "seconds": seconds, "cpu_s": 1.0, **memory, **counts}

    feeds = Measured("feeds", "python -m benchmarks.catalogue", "abc")
    for each in (row("import", 50.0), row("sync", 2.0), row("sync", 2.5), row("sync", 9.0)):
        feeds.add(each)
    assert ratio(feeds.rows, "sqlite", "seconds") == 20
    feeds.save(tmp_path)
    sizes = Measured("sizes", rows=[row("import", 5.0), row("import", 50.0, 2000)])
    assert growth(sizes.rows) == [
        "sqlite, import: from 1,000 to 2,000 rows the peak goes from 101 to 102 MiB, 1.01 times."
    ]
    kept = Measured.load(tmp_path, "feeds")
    assert kept == feeds and Measured.load(tmp_path, "user") is None
    write_report(tmp_path, [feeds, sizes])
    page = (tmp_path / "catalogue.md").read_text(encoding="utf-8")
    assert "| sqlite | 20.0 | 1.0 | yes |" in page
    assert len((tmp_path / "catalogue.csv").read_text(encoding="utf-8").splitlines()) == 7
