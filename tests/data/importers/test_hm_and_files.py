"""The H&M layout, and files in folders, tars and zips."""

import io
import os
import random
import tarfile
import zipfile
from pathlib import Path

import pytest

from Data.errors import ImportFailed, SourceCutOff
from Data.importers import ImportedRow, guess_layout, open_source
from Data.importers.files import FolderFiles, open_files
from Data.importers.tar_index import read_index
from Data.product import Product, RowProblem

ARTICLES = (
    "article_id,product_code,prod_name,product_type_no,product_type_name,colour_group_name,department_name,"
    "index_group_name,section_name,detail_desc\n"
    '0108775015,0108775,Strap top,253,Vest top,Black,Jersey Basic,Ladieswear,Womens Basics,"Jersey top, with\n'
    'narrow ""straps""."\n'
    "108775044,0108775,Slim jeans,272,Trousers,Unknown,Denim,Menswear,Men Denim,x\n"
    "0300000001,0300000,Hoodie,308,Hoodie,Pink,Kids Girl Jersey,Baby/Children,Young Girl,x\n"
    "0300000002,0300000,Socks,302,Socks,Blue,Kids,Baby/Children,Kids Girl and Boy,x\n"
    "400000001,broken\n"
)
PICTURES = {"images/010/0108775015.jpg": b"one", "images/030/0300000001.jpg": b"three"}


def as_folder(path: Path) -> Path:
    for name, data in {**PICTURES, "articles.csv": ARTICLES.encode()}.items():
        file = path / "hm" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return path / "hm"


def as_zip(path: Path) -> Path:
    with zipfile.ZipFile(path / "hm.zip", "w") as archive:
        for name, data in {**PICTURES, "articles.csv": ARTICLES.encode()}.items():
            archive.writestr(name, data)
    return path / "hm.zip"


def as_tar(path: Path) -> Path:
    with tarfile.open(path / "hm.tar", "w") as archive:
        archive.add(as_folder(path), arcname=".")
    return path / "hm.tar"


@pytest.mark.parametrize("make", [as_folder, as_zip, as_tar])
def test_articles(tmp_path: Path, make: object) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    assert guess_layout(path) == "hm"
    source = open_source("hm", path)
    found = list(source.rows())
    assert [row.row for row in found] == [1, 2, 3, 4, 5]
    assert isinstance(found[4], RowProblem) and found[4].product_id == "0400000001"
    products = [Product.from_row(row.row, row.values) for row in found if isinstance(row, ImportedRow)]
    assert products[0] == Product(
        product_id="0108775015",
        name="Strap top",
        brand="H&M",
        category_name="Vest top",
        gender="women",
        age_group="adult",
        colour="black",
        group_id="0108775",
    )
    assert (products[1].product_id, products[1].gender, products[1].colour) == ("0108775044", "men", None)
    assert (products[2].gender, products[2].age_group) == ("women", "kids")
    assert (products[3].gender, products[3].age_group) == (None, "kids")
    assert isinstance(found[0], ImportedRow) and isinstance(found[1], ImportedRow)
    assert found[0].files == ("images/010/0108775015.jpg",)
    assert source.read(found[0].files[0]) == b"one"
    with pytest.raises(FileNotFoundError):
        source.read(found[1].files[0])
    assert source.fingerprint(found[1].files[0]) is None


def test_a_blank_article_id_is_not_made_one_of_zeros(tmp_path: Path) -> None:
    header = "article_id,product_code,prod_name,product_type_name\n"
    (tmp_path / "articles.csv").write_text(header + " ,,Total,\n", encoding="utf-8")
    (total,) = open_source("hm", tmp_path).rows()
    assert isinstance(total, ImportedRow) and total.values["product_id"] == ""


def test_not_the_set(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match=r"no articles\.csv"):
        open_source("hm", tmp_path)
    (tmp_path / "articles.csv").write_text("id,name\n1,x\n")
    with pytest.raises(ImportFailed, match="no column article_id"):
        list(open_source("hm", tmp_path).rows())


def test_fingerprints_change_with_the_file(tmp_path: Path) -> None:
    folder = FolderFiles(tmp_path)
    assert folder.fingerprint("a") is None
    (tmp_path / "a").write_bytes(b"1")
    first = folder.fingerprint("a")
    os.utime(tmp_path / "a", ns=(1, 1))
    assert folder.fingerprint("a") != first

    def tar(data: bytes, mtime: int) -> str | None:
        with tarfile.open(tmp_path / "x.tar", "w") as archive:
            member = tarfile.TarInfo("a")
            member.size, member.mtime = len(data), mtime
            archive.addfile(member, io.BytesIO(data))
        return open_files(tmp_path / "x.tar").fingerprint("a")

    assert tar(b"one", 5) == tar(b"two", 5) != tar(b"two", 6)
    assert tar(b"one", 0) != tar(b"two", 0)  # a tar without times: by the bytes

    def packed(data: bytes) -> str | None:
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.writestr("a", data)
        return open_files(tmp_path / "x.zip").fingerprint("a")

    assert packed(b"one") == packed(b"one") != packed(b"two")


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_the_index_of_a_tar_is_tarfiles(tmp_path: Path, form: int) -> None:
    """Long names, folders, links, odd sizes: the quick reader agrees with the standard library or leaves it to it."""
    path = tmp_path / "x.tar"
    names = ["a", "./b", "d/e.jpg", "f" * 90 + "/" + "g" * 50, "h" * 99]
    if form != tarfile.USTAR_FORMAT:
        names += ["i" * 300, "grün.jpg"]
    with tarfile.open(path, "w", format=form) as archive:
        folder = tarfile.TarInfo("d")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for size, name in enumerate(names, start=510):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = size, size
            archive.addfile(member, io.BytesIO(bytes([size % 256]) * size))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        if form == tarfile.PAX_FORMAT:
            archive.addfile(link)
    with tarfile.open(path) as archive:
        expected = {
            member.name.removeprefix("./"): (member.offset_data, member.size, member.mtime)
            for member in archive.getmembers()
            if member.isreg()
        }
    assert {name: tuple(member) for name, member in read_index(path).items()} == expected


def test_broken_archives_are_told_in_a_sentence(tmp_path: Path) -> None:
    tar = as_tar(tmp_path)
    (tmp_path / "cut.tar").write_bytes(tar.read_bytes()[:2000])
    with pytest.raises(SourceCutOff, match="cut off in the middle"):
        open_files(tmp_path / "cut.tar")
    (tmp_path / "no.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(ImportFailed, match="cannot be read as an uncompressed tar"):
        open_files(tmp_path / "no.tar")
    (tmp_path / "no.zip").write_bytes(b"no zip at all")
    with pytest.raises(ImportFailed, match="cannot be read as a zip"):
        open_files(tmp_path / "no.zip")
    with pytest.raises(ImportFailed, match="no file or folder"):
        open_files(tmp_path / "none")
    with pytest.raises(ImportFailed, match="cannot be told: name it with --layout"):
        guess_layout(tmp_path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("where", ["head", "data"])
def test_damage_inside_a_zip_is_told_wherever_it_is_met(tmp_path: Path, method: int, where: str) -> None:
    """Read whole, as a picture is, or as a stream, as a table is."""
    path = tmp_path / "hm.zip"
    numbers = random.Random(5)
    table = ARTICLES + "".join(f"{numbers.random()},1,Hat,1,Hat,Red,D,Sport,S,x\n" for _ in range(2000))
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("articles.csv", table)
    content = bytearray(path.read_bytes())
    place = 0 if where == "head" else len(content) // 2
    content[place : place + 40] = b"7" * 40
    path.write_bytes(content)
    with pytest.raises(ImportFailed, match=r"hm\.zip cannot be read at articles\.csv"):
        open_files(path).read("articles.csv")
    with pytest.raises(ImportFailed, match=r"hm\.zip cannot be read at articles\.csv"):
        list(open_source("hm", path).rows())
