"""A sync's plan, against comparing every cell and every picture of two feeds; on both databases, over two batches."""

import csv
import io
import random
from hashlib import sha256
from pathlib import Path

from sqlalchemy import text

from Data.catalogue import Catalogue
from Data.catalogue_feeds import count_rows, row_hashes
from Data.database import reading
from Data.images import ImageStore
from Data.importers import open_source, run_import
from Data.importers.identity import HALF
from Data.sync import BATCH, Sync

Rows = dict[str, tuple[str, str, str]]
"""product_id to name, price and picture."""

PICTURES = 12
ODD_IDS = ("é-1", 'quo"te', "back\\slash", "셔츠", "a'b", "12")


def write(path: Path, rows: Rows, more: list[list[str]]) -> None:
    text_ = io.StringIO()
    writer = csv.writer(text_, lineterminator="\n")
    writer.writerow(["id", "name", "price", "currency", "image"])
    writer.writerows([key, name, price, "EUR", picture] for key, (name, price, picture) in rows.items())
    writer.writerows(more)
    path.write_text(text_.getvalue(), encoding="utf-8")


def obvious_plan(before: Rows, after: Rows, old: dict[str, str], new: dict[str, str]) -> dict[str, int]:
    """Compare all with all: the cells as they stand, and each picture by its bytes."""
    counts = dict.fromkeys(("new", "changed", "picture_changed", "unchanged", "gone"), 0)
    counts["gone"] = sum(key not in after for key in before)
    for key, (name, price, picture) in after.items():
        if key not in before:
            counts["new"] += 1
        elif old[before[key][2]] != new[picture]:
            counts["picture_changed"] += 1
        elif before[key][:2] != (name, price):
            counts["changed"] += 1
        else:
            counts["unchanged"] += 1
    return counts


def test_the_plan_is_what_comparing_everything_finds(catalogue: Catalogue, tmp_path: Path) -> None:
    rng = random.Random(9)
    feed, images = tmp_path / "shop.csv", ImageStore(tmp_path / "pictures")

    def paint(number: int, shade: int) -> str:
        data = b"not looked at by a sync " * 9 + bytes([shade])
        (tmp_path / f"{number}.jpg").write_bytes(data)
        return sha256(data).hexdigest()

    old = {f"{number}.jpg": paint(number, number) for number in range(PICTURES)}
    keys = [*ODD_IDS, *(f"p{number}" for number in range(BATCH + 300))]
    rng.shuffle(keys)
    before: Rows = {key: (f"Shirt {key}", str(rng.randint(1, 99)), f"{rng.randrange(PICTURES)}.jpg") for key in keys}
    write(feed, before, [])
    run_import(open_source("table", feed), catalogue, images, "shop")

    new = {**old, "0.jpg": paint(0, 200)}  # the same name with other bytes; 1.jpg is only written again
    paint(1, 1)
    after = dict(before)
    for key in rng.sample(keys, 90):
        del after[key]
    for key in [*ODD_IDS[:3], *rng.sample(list(after), 200)]:
        name, price, picture = before[key]
        choice = rng.randrange(4)
        after[key] = (
            f"{name}!" if choice in (0, 3) else name,
            str(int(price) + 1) if choice == 1 else price,
            f"{rng.randrange(PICTURES)}.jpg" if choice > 1 else picture,
        )
    after |= {f"new {number}": ("Hat", "5", "3.jpg") for number in range(20)}
    items = list(after.items())
    rng.shuffle(items)
    after = dict(items)
    repeated, spoiled = items[0][0], items[-1][0]
    counts = obvious_plan(before, after, old, new)
    kind = next(
        name for name in counts if name != "gone" and obvious_plan(before, {spoiled: after[spoiled]}, old, new)[name]
    )
    counts[kind] -= 1  # a bad row is told, and neither written nor gone
    bad = {**after, spoiled: ("Shirt", "-1", "3.jpg")}
    write(feed, bad, [[repeated, "Said twice", "1", "EUR", "3.jpg"]])

    with Sync(open_source("table", feed), catalogue, images, "shop") as work:
        plan = work.plan()
        assert {name: getattr(plan, name) for name in counts} == counts
        assert sorted(problem.product_id or "" for problem in plan.report.problems) == sorted([repeated, spoiled])
        report = work.apply()
    assert (report.done.upserts.created, report.out_of_stock) == (counts["new"], counts["gone"])
    del bad[spoiled]
    stored = {product.product_id: product for product in catalogue.iterate()}
    for key, (name, price, picture) in bad.items():
        assert (stored[key].name, str(stored[key].price)) == (name, price)
        assert [each.sha256 for each in stored[key].pictures] == [new[picture]]
    assert all(not stored[key].in_stock for key in before if key not in after)


def test_an_unchanged_product_is_answered_by_the_index_alone(catalogue: Catalogue, tmp_path: Path) -> None:
    feed = tmp_path / "shop.csv"
    write(feed, {f"p{number}": ("Shirt", "5", "") for number in range(50)}, [])
    run_import(open_source("table", feed), catalogue, ImageStore(tmp_path / "pictures"), "shop")
    with reading(catalogue.engine) as connection:
        assert count_rows(connection, "shop") == (50, 50)
        found = row_hashes(connection, "shop", ["p1", "p2", "unknown"])
        assert set(found) == {"p1", "p2"} and len(found["p1"] or "") == 2 * HALF
        assert row_hashes(connection, "other", ["p1"]) == {}
        if connection.dialect.name == "sqlite":
            query = "SELECT product_id, row_hash FROM products WHERE source = 'shop' AND product_id IN ('p1', 'p2')"
            steps = [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
            assert any("COVERING INDEX ix_products_feed" in step for step in steps)
