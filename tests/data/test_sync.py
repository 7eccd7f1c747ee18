"""A catalogue kept in step with a feed: what is new, changed, gone, and nothing else; on both databases."""

import os
from pathlib import Path

import pytest

from Data.catalogue import Catalogue
from Data.changes import ChangeLog
from Data.errors import SyncRefused
from Data.images import ImageStore
from Data.importers import ImportOptions, open_source, run_import
from Data.product import Product
from Data.sync import Sync
from tests.data.feed import Feed, counts, plan, sync


def test_only_what_changed_is_touched(feed: Feed, catalogue: Catalogue, images: ImageStore) -> None:
    report, read = sync(feed, catalogue, images)
    assert report.done.upserts.created == 10 and sorted(set(read)) == sorted(f"p{n}.jpg" for n in range(10))
    log = ChangeLog(catalogue.engine)
    before, stamps = log.last_seq(), {p.product_id: p for p in catalogue.iterate()}
    assert counts(plan(feed, catalogue, images)) == (0, 0, 0, 10, 0)
    report, read = sync(feed, catalogue, images)
    assert read == [] and log.last_seq() == before

    feed.rows["p1"][0] = "Another name"
    feed.rows["p2"][1] = "9.50"
    feed.picture("p3.jpg", 200)
    feed.rows["p4"][0], feed.rows["p4"][3] = "Both", "p5.jpg"
    feed.rows["new"] = ["New", "5", "EUR", "p6.jpg"]
    del feed.rows["p9"]
    feed.write()
    assert counts(plan(feed, catalogue, images)) == (1, 2, 2, 5, 1)
    assert {p.product_id: p for p in catalogue.iterate()} == stamps  # a plan writes nothing
    report, read = sync(feed, catalogue, images)
    done = report.done.upserts
    assert (done.created, done.changed, done.picture_changed, report.out_of_stock) == (1, 2, 2, 1)
    # What only changed in text keeps its picture without reading it.
    assert not {"p1.jpg", "p2.jpg", "p7.jpg", "p8.jpg"} & set(read)
    assert catalogue.get("p1").pictures == stamps["p1"].pictures
    assert catalogue.get("p4").pictures == stamps["p5"].pictures
    assert catalogue.get("p3").pictures != stamps["p3"].pictures
    assert not catalogue.get("p9").in_stock
    assert counts(plan(feed, catalogue, images)) == (0, 0, 0, 10, 0)


def test_an_import_is_followed_by_a_sync(feed: Feed, catalogue: Catalogue, images: ImageStore) -> None:
    run_import(open_source("table", feed.path), catalogue, images, "shop")
    report, read = sync(feed, catalogue, images)
    assert (report.done.upserts.created, report.done.upserts.changed, read) == (0, 0, [])


def test_a_file_of_another_time_with_the_same_bytes_is_the_same_picture(
    feed: Feed, catalogue: Catalogue, images: ImageStore
) -> None:
    sync(feed, catalogue, images)
    os.utime(feed.path.parent / "p1.jpg", ns=(1, 1))
    assert counts(plan(feed, catalogue, images)) == (0, 0, 0, 10, 0)
    _, read = sync(feed, catalogue, images)
    assert set(read) == {"p1.jpg"}
    _, read = sync(feed, catalogue, images)
    assert read == []  # the new time is known now


def test_what_is_gone_goes_out_of_stock_and_comes_back(feed: Feed, catalogue: Catalogue, images: ImageStore) -> None:
    sync(feed, catalogue, images)
    row = feed.rows.pop("p9")
    feed.write()
    sync(feed, catalogue, images)
    assert not catalogue.get("p9").in_stock
    assert plan(feed, catalogue, images).gone == 0  # it is told once
    report, _ = sync(feed, catalogue, images, delete=True)
    assert report.deleted == 1 and catalogue.count() == 9
    feed.rows["p9"] = row
    feed.write()
    del feed.rows["p8"]
    feed.write()
    sync(feed, catalogue, images)
    feed.rows["p8"] = row
    feed.write()
    found = plan(feed, catalogue, images)
    assert found.changed + found.picture_changed == 1
    sync(feed, catalogue, images)
    assert catalogue.get("p8").in_stock and catalogue.get("p9").in_stock


def test_other_feeds_and_products_of_nobody_are_left_alone(
    feed: Feed, catalogue: Catalogue, images: ImageStore, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text("id,name\nx1,Hat\nx2,Bag\n", encoding="utf-8")
    run_import(open_source("table", other), catalogue, images, "other")
    sync(feed, catalogue, images)
    sync(feed, catalogue, images, delete=True)
    assert catalogue.get("x1").in_stock and catalogue.count() == 12


def test_a_shrink_needs_force(feed: Feed, catalogue: Catalogue, images: ImageStore) -> None:
    sync(feed, catalogue, images)
    for key in ("p0", "p1"):
        del feed.rows[key]
    feed.write()
    assert plan(feed, catalogue, images).refusal() is None  # 20 % exactly
    del feed.rows["p2"]
    feed.rows["p3"][0] = "Changed"
    feed.write()
    with pytest.raises(SyncRefused, match=r"3 of 10 products are missing .*--force"):
        sync(feed, catalogue, images)
    assert catalogue.get("p0").in_stock and catalogue.get("p3").name == "Shirt 3"
    report, _ = sync(feed, catalogue, images, force=True)
    assert report.out_of_stock == 3 and catalogue.get("p3").name == "Changed"


def test_a_feed_cut_off_needs_force_and_never_takes_anything_away(
    feed: Feed, catalogue: Catalogue, images: ImageStore
) -> None:
    sync(feed, catalogue, images)
    feed.rows["p1"][0] = "Changed"
    feed.write()
    feed.path.write_bytes(feed.path.read_bytes()[:90])
    found = plan(feed, catalogue, images)
    assert found.cut_off is not None and found.gone == 0
    with pytest.raises(SyncRefused, match=r"cut off .*--force, which marks nothing as gone"):
        sync(feed, catalogue, images)
    assert catalogue.get("p1").name == "Shirt 1"
    report, _ = sync(feed, catalogue, images, force=True, delete=True)
    assert (report.out_of_stock, report.deleted) == (0, 0)
    assert catalogue.get("p1").name == "Changed" and catalogue.count() == 10


def test_a_product_shows_fifty_pictures_and_no_more(feed: Feed, catalogue: Catalogue, images: ImageStore) -> None:
    for number in range(60):
        feed.picture(f"many{number}.jpg", number)
    files = [f"many{number}.jpg" for number in range(60)]
    addresses = [f"https://shop.example/{number}.jpg" for number in range(60)]
    feed.rows["p0"][3] = "|".join(files)
    feed.rows["p1"][3] = "|".join(addresses)
    feed.rows["p2"][3] = "|".join([*files[:30], *files[:30], *addresses[:30]])
    feed.rows["p3"][3] = "|".join([*files[:20], *files[:20], *addresses[:30]])  # 50 once each counts once
    feed.write()
    report, read = sync(feed, catalogue, images)
    told = {problem.product_id: problem.reason for problem in report.done.problems}
    assert told == dict.fromkeys(("p0", "p1", "p2"), "has 60 pictures; the first 50 are taken.")
    assert "many50.jpg" not in read
    for product in catalogue.iterate():
        assert Product.model_validate(product.model_dump(mode="python")) == product
    assert [len(catalogue.get(f"p{number}").pictures) for number in range(4)] == [50] * 4
    assert [picture.source_url for picture in catalogue.get("p1").pictures] == addresses[:50]
    assert len(list(images.iter_sha256())) == 50
    assert counts(plan(feed, catalogue, images)) == (0, 0, 0, 10, 0)
    # Where the row says something else, its pictures are still known as the same ones.
    for key in ("p0", "p1", "p2"):
        feed.rows[key][0] = "Another name"
        (feed.path.parent / "many0.jpg").touch()
    feed.write()
    assert counts(plan(feed, catalogue, images)) == (0, 3, 0, 7, 0)


def test_what_somebody_else_wrote_is_put_right(feed: Feed, catalogue: Catalogue, images: ImageStore) -> None:
    sync(feed, catalogue, images)
    before = catalogue.get("p1")
    catalogue.upsert([before.model_copy(update={"name": "By hand"})])
    assert counts(plan(feed, catalogue, images)) == (0, 1, 0, 9, 0)
    sync(feed, catalogue, images)
    assert catalogue.get("p1") == before


def test_other_currencies_are_reported(feed: Feed, catalogue: Catalogue, images: ImageStore) -> None:
    sync(feed, catalogue, images)
    feed.rows["p1"][2] = "USD"
    feed.rows["p2"][1:3] = ["GBP 3", ""]
    feed.write()
    found = plan(feed, catalogue, images)
    assert (found.currency, dict(found.other_currencies)) == ("EUR", {"USD": 1, "GBP": 1})
    sync(feed, catalogue, images)
    assert catalogue.currency == "EUR" and catalogue.get("p2").currency == "GBP"


def test_an_interrupted_sync_goes_on_where_it_stopped(feed: Feed, catalogue: Catalogue, images: ImageStore) -> None:
    class Stop(Exception):
        pass

    source = feed.open()
    with pytest.raises(Stop), Sync(source, catalogue, images, "shop") as work:
        work.plan()

        def stop(report: object) -> None:
            raise Stop

        work.apply(progress=stop)
    _, read = sync(feed, catalogue, images)
    assert read == []  # one batch, which was whole
    assert catalogue.count() == 10


def test_options_are_part_of_what_a_row_says(feed: Feed, catalogue: Catalogue, images: ImageStore) -> None:
    sync(feed, catalogue, images)
    mapped = open_source("table", feed.path, ImportOptions(columns={"brand": "currency"}, currency="EUR"))
    with Sync(mapped, catalogue, images, "shop") as work:
        assert work.plan().changed == 10
