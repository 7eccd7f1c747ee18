"""The sample catalogue on disk."""

from __future__ import annotations

import csv
import os
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from Data.sample import SAMPLE_CATEGORIES, draw_sample
from Data.sample.catalogue import COLUMNS
from Data.sample.design import design
from Data.sample.naming import offer_for
from Data.sample.palette import PALETTE


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_sample(tmp_path_factory.mktemp("shop") / "sample", per_class=2)


def test_every_row_is_complete_and_has_its_picture(sample: Path) -> None:
    rows = rows_of(sample)
    assert len(rows) == 26
    assert list(rows[0]) == list(COLUMNS)
    assert len({row["product_id"] for row in rows}) == 26
    assert {row["category"] for row in rows} == {slug for slug, _ in SAMPLE_CATEGORIES}
    for row in rows:
        assert row["currency"] == "KRW"
        price, final = Decimal(row["price"]), Decimal(row["final_price"])
        assert 0 < final <= price and price == price.to_integral_value() and final == final.to_integral_value()
        assert row["product_url"].startswith("https://example.com/")
        assert row["colour"] in PALETTE
        assert row["gender"] in {"men", "women", "unisex"} and row["age_group"] in {"adult", "kids"}
        assert row["sizes"].split("|")[0]
        assert row["in_stock"] in {"true", "false"}
        with Image.open(sample.parent / "images" / row["image"]) as picture:
            assert picture.format == "JPEG" and picture.size == (480, 600)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, sample: Path) -> None:
    again = draw_sample(tmp_path / "again", per_class=1)
    drawn = {row["image"] for row in rows_of(again)}
    assert len(drawn) == 13
    for name in drawn:
        assert (again.parent / "images" / name).read_bytes() == (sample.parent / "images" / name).read_bytes()


def test_a_broken_run_leaves_nothing_and_a_later_one_succeeds(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop_at_three(done: int, total: int) -> None:
        assert total == 13
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        draw_sample(tmp_path / "sample", per_class=1, progress=stop_at_three)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_swept_away_later(tmp_path: Path) -> None:
    old, running = tmp_path / ".sample-old", tmp_path / ".sample-running"
    for folder in (old, running):
        folder.mkdir()
    os.utime(old, (0, 0))
    draw_sample(tmp_path / "sample", per_class=1)
    assert not old.exists() and running.exists()


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"products\.csv"):
        draw_sample(tmp_path, per_class=1)
    assert (tmp_path / "diary.txt").read_text() == "mine"


def test_none_per_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="per_class"):
        draw_sample(tmp_path / "sample", per_class=0)


def test_the_shop_has_discounts_most_things_in_stock_and_several_brands() -> None:
    offers = [offer_for(design(slug, index, 7), "classic") for slug, _ in SAMPLE_CATEGORIES for index in range(50)]
    in_stock = sum(offer.in_stock for offer in offers) / len(offers)
    discounted = sum(offer.final_price < offer.price for offer in offers) / len(offers)
    assert 0.85 < in_stock < 0.98
    assert 0.25 < discounted < 0.85
    assert len({offer.brand for offer in offers}) >= 12
