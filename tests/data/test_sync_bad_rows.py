"""What a sync makes of rows that cannot be read: told, and nothing is taken away on their word; on both databases."""

from pathlib import Path

import pytest

from Data.catalogue import Catalogue
from Data.images import ImageStore
from Data.importers import open_source
from Data.sync import Sync, SyncPlan
from tests.data.feed import Feed, counts, plan, sync


def test_a_bad_row_is_told_and_its_product_is_not_gone(feed: Feed, catalogue: Catalogue, images: ImageStore) -> None:
    sync(feed, catalogue, images)
    feed.rows["p1"][1] = "-5"
    feed.rows["p2"][1] = "a lot"
    feed.write()
    feed.path.write_text(feed.path.read_text() + "p3,Twice,1,EUR,p3.jpg\n", encoding="utf-8")
    found = plan(feed, catalogue, images)
    assert counts(found) == (0, 0, 0, 8, 0)
    assert [(problem.row, problem.product_id) for problem in found.report.problems] == [
        (3, "p2"),
        (11, "p3"),
        (2, "p1"),
    ]
    assert "negative" in found.report.problems[2].reason
    assert "is not a price" in found.report.problems[0].reason
    assert "stands in row 4 already" in found.report.problems[1].reason
    report, _ = sync(feed, catalogue, images)
    assert report.done.problem_count == 3 and catalogue.get("p1").in_stock


def test_the_product_of_a_malformed_row_is_not_gone(feed: Feed, catalogue: Catalogue, images: ImageStore) -> None:
    sync(feed, catalogue, images)
    feed.rows["p3"][0] = "Shirt, blue"  # an unquoted comma: one cell too many
    feed.rows["p4"] = ["Shirt 4"]  # too few
    feed.rows[" p5 "] = [feed.rows.pop("p5")[0], "abc", "EUR", "p5.jpg"]
    feed.write()
    found = plan(feed, catalogue, images)
    assert (found.gone, found.absent, found.caution(), found.refusal()) == (0, 0, None, None)
    assert sorted((problem.product_id or "") for problem in found.report.problems) == ["p3", "p4", "p5"]
    report, _ = sync(feed, catalogue, images, delete=True)
    assert (report.out_of_stock, report.deleted, catalogue.count()) == (0, 0, 10)


@pytest.mark.parametrize("bad_first", [True, False])
def test_a_malformed_row_with_its_id_keeps_no_good_row_out(
    feed: Feed, catalogue: Catalogue, images: ImageStore, bad_first: bool
) -> None:
    del feed.rows["p3"]
    feed.write()
    sync(feed, catalogue, images)
    good, bad = "p3,Shirt 3,10,EUR,p3.jpg\n", "p3,Shirt, blue,10,EUR,p3.jpg\n"
    rows = feed.path.read_text().splitlines(keepends=True)
    added = [bad, *rows[1:], good] if bad_first else [good, *rows[1:], bad]
    feed.path.write_text("".join([rows[0], *added]), encoding="utf-8")
    found = plan(feed, catalogue, images)
    assert counts(found) == (1, 0, 0, 9, 0)
    (problem,) = found.report.problems
    assert (problem.row, problem.reason) == (1 if bad_first else 11, "has 6 cells where the header has 5.")
    report, _ = sync(feed, catalogue, images)
    assert report.done.upserts.created == 1 and catalogue.get("p3").name == "Shirt 3"
    assert counts(plan(feed, catalogue, images)) == (0, 0, 0, 10, 0)


@pytest.mark.parametrize(
    ("header", "row", "line"),
    [
        ("id,name,price,currency", "{},Shirt,1,EUR", "Exported 2026-01-01"),
        ("name,id,price,currency", "Shirt,{},1,EUR", "Exported 2026-01-01"),
        ("name,id,price,currency", "Shirt,{},1,EUR", "Exported 2026-01-01,,"),
        ("id,name,price,currency", "{},Shirt,1,EUR", ",Total,90,EUR"),  # all its cells, and the id's is blank
        ("name,id,price,currency", "Shirt,{},1,EUR", "Total, ,90,EUR"),
        ("name,id,price,currency", "Shirt,{},1,EUR", "Total,,9 products,EUR"),  # nor is the price one
    ],
)
def test_a_row_that_names_no_product_keeps_nothing(
    catalogue: Catalogue, images: ImageStore, tmp_path: Path, header: str, row: str, line: str
) -> None:
    table = tmp_path / "shop.csv"
    for count in (10, 9):
        lines = [header, *(row.format(number) for number in range(count)), line, ""]
        table.write_text("\n".join(lines), encoding="utf-8")
        with Sync(open_source("table", table), catalogue, images, "shop") as work:
            found = work.plan()
            report = work.apply(delete=True)
    assert (found.gone, found.report.unnamed, found.caution(), found.report.problem_count) == (1, 0, None, 1)
    assert (report.deleted, catalogue.count()) == (1, 9)
    # Nor does it count against the guard: 2 of 9 are more than 20 %.
    table.write_text("\n".join([header, *(row.format(number) for number in range(7)), line, ""]), encoding="utf-8")
    with Sync(open_source("table", table), catalogue, images, "shop") as work:
        assert "2 of 9 products are missing" in (work.plan().refusal() or "")


UNTRUSTED = [
    "Shirt, blue,9,1,EUR",  # a separator too many before the id
    "Shirt,9",  # too few
    '"Shirt,9,1,EUR"',  # a whole row in quotes
    "Shirt;9;1;EUR",  # and one with separators of another kind
    "Shirt,9\x07,1,EUR",  # characters that no id holds
]


def sync_nine_and(line: str, catalogue: Catalogue, images: ImageStore, table: Path) -> tuple[SyncPlan, int]:
    """Sync ten good rows, then nine of them and this line; return that plan, and how many products it took away."""
    good = [f"Shirt,{number},1,EUR" for number in range(10)]
    for lines in (good, [*good[:9], line]):
        table.write_text("\n".join(["name,id,price,currency", *lines, ""]), encoding="utf-8")
        with Sync(open_source("table", table), catalogue, images, "shop") as work:
            found, report = work.plan(), work.apply(delete=True)
    return found, report.deleted


@pytest.mark.parametrize("line", UNTRUSTED)
def test_a_row_whose_id_cannot_be_trusted_keeps_what_is_missing(
    catalogue: Catalogue, images: ImageStore, tmp_path: Path, line: str
) -> None:
    found, deleted = sync_nine_and(line, catalogue, images, tmp_path / "shop.csv")
    assert (found.gone, found.report.unnamed, deleted, catalogue.count()) == (1, 1, 0, 10)
    assert "Bad rows whose id cannot be read: 1." in (found.caution() or "")


@pytest.mark.parametrize("line", ["9", ",9", ",,9,,"])
def test_an_id_that_stands_alone_is_named(catalogue: Catalogue, images: ImageStore, tmp_path: Path, line: str) -> None:
    found, deleted = sync_nine_and(line, catalogue, images, tmp_path / "shop.csv")
    assert (found.gone, found.report.unnamed, deleted, catalogue.count()) == (0, 0, 0, 10)


def test_where_the_id_of_a_bad_row_cannot_be_read_only_force_takes_anything_away(
    feed: Feed, catalogue: Catalogue, images: ImageStore
) -> None:
    sync(feed, catalogue, images)
    del feed.rows["p8"]
    feed.rows["\x07p9"] = feed.rows.pop("p9")
    feed.rows["p1"][0] = "Changed"
    feed.write()
    found = plan(feed, catalogue, images)
    assert (found.gone, found.report.unnamed, found.refusal()) == (2, 1, None)
    assert "Bad rows whose id cannot be read: 1." in (found.caution() or "")
    report, _ = sync(feed, catalogue, images, delete=True)
    assert (report.out_of_stock, report.deleted, report.done.unnamed) == (0, 0, 1)
    assert catalogue.count() == 10 and catalogue.get("p8").in_stock and catalogue.get("p1").name == "Changed"
    report, _ = sync(feed, catalogue, images, force=True, delete=True)
    assert (report.deleted, catalogue.count()) == (2, 8)


def test_an_id_that_an_extra_comma_may_have_moved_is_not_guessed(
    catalogue: Catalogue, images: ImageStore, tmp_path: Path
) -> None:
    table = tmp_path / "shop.csv"
    good = "name,id,price,currency\n" + "".join(f"Shirt,{number},1,EUR\n" for number in range(10))
    for content in (good, good.replace("Shirt,3,", "Shirt, 7,3,")):
        table.write_text(content, encoding="utf-8")
        with Sync(open_source("table", table), catalogue, images, "shop") as work:
            found = work.plan()
            report = work.apply(delete=True)
    assert (found.gone, found.report.unnamed, found.unchanged, report.deleted) == (1, 1, 9, 0)
    assert catalogue.count() == 10
