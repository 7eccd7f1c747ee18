"""The published layouts and a shop's own table, read back from a real database."""

import csv
import io
import tarfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from Data.catalogue import Catalogue
from Data.errors import ImportFailed, UnknownImporter
from Data.images import ImageStore
from Data.importers import ImportOptions, ImportReport, open_source, run_import
from Data.importers.table import split_pictures
from Data.sample import draw_product


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue.open(f"sqlite:///{tmp_path / 'catalogue.sqlite'}") as opened:
        opened.migrate()
        yield opened


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(draw_product("bag", 0, seed=1).rgb).save(buffer, "JPEG")
    return buffer.getvalue()


def bring(name: str, path: Path, catalogue: Catalogue, images: ImageStore, **options: object) -> ImportReport:
    return run_import(open_source(name, path, ImportOptions(**options)), catalogue, images, name)  # type: ignore[arg-type]


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def test_a_table_with_a_shops_own_column_names(
    tmp_path: Path, catalogue: Catalogue, images: ImageStore, jpeg: bytes
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(jpeg)
    table = tmp_path / "shop.csv"
    table.write_text(
        "\ufeffSKU;Title;Vendor;Product Type;Price;Sale Price;Currency;Link;Image;Availability;Size\n"
        "1;Linen shirt <b>;Nord;Shirts;49,90;39,90;EUR;https://example.com/1;a.jpg;in stock;S/M/L\n"
        "2;No picture;;;;;;;gone.jpg;out of stock;\n"
        "3;Negative;;;-1;;EUR;;;;\n"
        "4;Short row\n"
        "5;Far picture;;;10;;EUR;;https://example.com/5.jpg|https://example.com/6.jpg;;\n",
        encoding="utf-8",
    )
    report = bring("table", table, catalogue, images)
    assert report.upserts.created == 3
    assert sorted(problem.row for problem in report.problems) == [1, 2, 3, 4]  # 1: HTML in its name
    shirt = catalogue.get("1")
    assert (shirt.name, shirt.brand, shirt.category, shirt.category_name) == (
        "Linen shirt <b>",
        "Nord",
        "shirts",
        "Shirts",
    )
    assert (shirt.price, shirt.final_price, shirt.discount_rate) == (Decimal("49.90"), Decimal("39.90"), 20.04)
    assert shirt.sizes == ("S", "M", "L")
    assert images.get(shirt.pictures[0].sha256 or "") == jpeg
    assert not catalogue.get("2").in_stock and catalogue.get("2").pictures == ()
    assert [picture.source_url for picture in catalogue.get("5").pictures] == [
        "https://example.com/5.jpg",
        "https://example.com/6.jpg",
    ]


def test_an_import_repeated_changes_nothing(
    tmp_path: Path, catalogue: Catalogue, images: ImageStore, jpeg: bytes
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg)
    table = tmp_path / "shop.csv"
    table.write_text("id,name,image\n1,One,a.jpg\n2,Two,a.jpg\n", encoding="utf-8")
    assert bring("table", table, catalogue, images).upserts.created == 2
    again = bring("table", table, catalogue, images).upserts
    assert (again.created, again.changed, again.picture_changed, again.unchanged) == (0, 0, 0, 2)
    assert catalogue.get("1").pictures == catalogue.get("2").pictures


def test_parquet_says_the_same_as_csv(tmp_path: Path, catalogue: Catalogue, images: ImageStore) -> None:
    frame = pd.DataFrame({"id": ["1", "2"], "name": ["One", "Two"], "price": [1000, 2500], "currency": ["KRW", "KRW"]})
    frame.to_parquet(tmp_path / "shop.parquet")
    frame.to_csv(tmp_path / "shop.csv", index=False)
    source = open_source("table", tmp_path / "shop.parquet")
    assert source.total == 2
    run_import(source, catalogue, images, "shop")
    assert catalogue.get("2").price == Decimal(2500)
    assert bring("table", tmp_path / "shop.csv", catalogue, images).upserts.unchanged == 2


def test_parquet_with_damaged_pages_is_told(tmp_path: Path, catalogue: Catalogue, images: ImageStore) -> None:
    path = tmp_path / "shop.parquet"
    whole = pa.table({"id": [f"p{number}" for number in range(3000)], "name": ["Shirt"] * 3000})
    for compression in ("none", "snappy", "zstd"):
        parquet.write_table(whole, path, compression=compression, use_dictionary=False)
        content = bytearray(path.read_bytes())
        content[4:400] = b"\xff" * 396
        path.write_bytes(content)
        with pytest.raises(ImportFailed, match=r"shop\.parquet cannot be read as Parquet"):
            bring("table", path, catalogue, images)


def test_parquet_with_two_columns_of_one_name(tmp_path: Path, catalogue: Catalogue, images: ImageStore) -> None:
    columns = [pa.array([value]) for value in ("x", "1", "y", "One")]
    parquet.write_table(pa.Table.from_arrays(columns, ["note", "id", "note", "name"]), tmp_path / "shop.parquet")
    assert bring("table", tmp_path / "shop.parquet", catalogue, images).upserts.created == 1
    assert catalogue.get("1").name == "One"


def test_parquet_with_numbers_for_sizes(tmp_path: Path, catalogue: Catalogue, images: ImageStore) -> None:
    columns = {
        "whole": (pa.array([42, None]), ("42",), ()),
        "half": (pa.array([42.5, 40.0]), ("42.5",), ("40",)),
        "missing": (pa.array([float("nan"), None]), (), ()),
        "decimal": (pa.array([Decimal("38.0"), Decimal("38.5")]), ("38",), ("38.5",)),
        "list": (pa.array([[36.0, 37.5, 40.0], []]), ("36", "37.5", "40"), ()),
        "text": (pa.array(["S/M", ""]), ("S", "M"), ()),
    }
    for name, (column, *expected) in columns.items():
        table = pa.table({"id": [f"{name}-1", f"{name}-2"], "name": ["One", "Two"], "size": column})
        parquet.write_table(table, tmp_path / "shop.parquet")
        assert bring("table", tmp_path / "shop.parquet", catalogue, images).problems == []
        assert [catalogue.get(f"{name}-{number}").sizes for number in (1, 2)] == expected
    truth = pa.table({"id": ["truth"], "name": ["One"], "size": [True]})
    parquet.write_table(truth, tmp_path / "shop.parquet")
    assert bring("table", tmp_path / "shop.parquet", catalogue, images).problem_count == 1


@pytest.mark.parametrize("rows", ["A,Hat\nB,Bag\nA,x,y\n", "A,x,y\nA,Hat\nB,Bag\n"])
def test_a_good_row_is_taken_although_a_malformed_one_has_its_id(
    tmp_path: Path, catalogue: Catalogue, images: ImageStore, rows: str
) -> None:
    (tmp_path / "shop.csv").write_text("id,name\n" + rows, encoding="utf-8")
    report = bring("table", tmp_path / "shop.csv", catalogue, images)
    assert report.upserts.created == 2 and catalogue.get("A").name == "Hat"
    assert [problem.reason for problem in report.problems] == ["has 3 cells where the header has 2."]


def test_a_currency_that_is_no_text_is_a_bad_row(tmp_path: Path, catalogue: Catalogue, images: ImageStore) -> None:
    currency = pa.array([["EUR"], None], pa.list_(pa.string()))
    table = pa.table({"id": ["1", "2"], "name": ["One", "Two"], "price": [5.0, None], "currency": currency})
    parquet.write_table(table, tmp_path / "shop.parquet")
    report = bring("table", tmp_path / "shop.parquet", catalogue, images)
    (problem,) = report.problems
    assert problem.product_id == "1" and "must be an ISO 4217 code" in problem.reason
    assert report.upserts.created == 1


def test_a_mapping_wins_over_the_guess(tmp_path: Path, catalogue: Catalogue, images: ImageStore) -> None:
    table = tmp_path / "shop.csv"
    table.write_text("id,name,Nice name\n1,internal,Shown\n", encoding="utf-8")
    bring("table", table, catalogue, images, columns={"name": "Nice name"})
    assert catalogue.get("1").name == "Shown"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,name\n1,Gr\xfcn\n".encode("latin-1"), "not UTF-8"),
        (b'id,name\n1,"never closed\n2,Two\n', "never closed"),
        (b"id,colour\n1,red\n", "--map name=COLUMN"),
        (b"", "product_id"),
    ],
)
def test_an_unusable_table_is_told_in_a_sentence(
    tmp_path: Path, catalogue: Catalogue, images: ImageStore, content: bytes, said: str
) -> None:
    table = tmp_path / "shop.csv"
    table.write_bytes(content)
    with pytest.raises(ImportFailed, match=said):
        bring("table", table, catalogue, images)


def test_a_picture_name_never_leads_out_of_its_folder(
    tmp_path: Path, catalogue: Catalogue, images: ImageStore, jpeg: bytes
) -> None:
    (tmp_path / "secret.jpg").write_bytes(jpeg)
    (tmp_path / "shop").mkdir()
    table = tmp_path / "shop" / "shop.csv"
    table.write_text("id,name,image\n1,One,../secret.jpg\n", encoding="utf-8")
    report = bring("table", table, catalogue, images)
    assert report.problem_count == 1
    assert catalogue.get("1").pictures == ()


def test_pictures_in_one_cell() -> None:
    assert split_pictures("a.jpg|b.jpg; https://x.example/c.jpg") == (("a.jpg", "b.jpg"), ("https://x.example/c.jpg",))
    assert split_pictures("https://x.example/a,b.jpg,https://x.example/c.jpg") == (
        (),
        ("https://x.example/a,b.jpg", "https://x.example/c.jpg"),
    )
    assert split_pictures(None) == split_pictures("  ") == ((), ())


def test_styles_csv_keeps_the_bare_commas_of_the_last_column(
    tmp_path: Path, catalogue: Catalogue, images: ImageStore, jpeg: bytes
) -> None:
    header = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName\n"
    styles = header + "7,Girls,Apparel,Topwear,Tshirts,NA,Fall,2011,Casual,Tee, red, and more\n8,broken\n"
    source = write_tar(tmp_path / "set.tar", {"styles.csv": styles.encode(), "images/7.jpg": jpeg})
    report = bring("fashion-product-images", source, catalogue, images)
    tee = catalogue.get("7")
    assert (tee.name, tee.category, tee.gender, tee.age_group) == ("Tee, red, and more", "tshirts", "women", "kids")
    assert tee.colour is None and tee.price is None and tee.product_url is None
    assert [problem.product_id for problem in report.problems] == ["8"]


def test_clothing_dataset_maps_its_labels(
    tmp_path: Path, catalogue: Catalogue, images: ImageStore, jpeg: bytes
) -> None:
    table = "image,sender_id,label,kids\naa,1,Blazer,False\nbb,1,Not sure,True\ncc,2,Hat,False\n"
    source = write_tar(
        tmp_path / "set.tar", {"images.csv": table.encode(), "images/aa.jpg": jpeg, "images/bb.jpg": jpeg}
    )
    report = bring("clothing-dataset", source, catalogue, images)
    assert catalogue.get("aa").category == "outerwear"
    assert catalogue.get("bb").category is None and catalogue.get("bb").age_group == "kids"
    assert report.problem_count == 1 and catalogue.get("cc").pictures == ()


def test_the_public_sets_are_read_whole(shared_dir: Path) -> None:
    """As many rows as the tables have by pandas, every picture found."""
    for name in ("clothing-dataset", "fashion-product-images"):
        tar = shared_dir / "data" / (f"{name}.tar" if name == "clothing-dataset" else f"{name}-small.tar")
        source = open_source(name, tar)
        rows = list(source.rows())
        with tarfile.open(tar) as opened:
            names = set(opened.getnames())
            table = opened.extractfile("images.csv" if name == "clothing-dataset" else "styles.csv")
            assert table is not None
            expected = sum(1 for _ in csv.reader(io.TextIOWrapper(table, "utf-8"))) - 1
        assert len(rows) == expected
        missing = [row for row in rows if not set(getattr(row, "files", ("-",))) <= names]
        assert not missing
        assert source.read(rows[0].files[0])[:2] == b"\xff\xd8"  # type: ignore[union-attr]


def test_an_unknown_importer_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UnknownImporter, match="table"):
        open_source("tables", tmp_path)
