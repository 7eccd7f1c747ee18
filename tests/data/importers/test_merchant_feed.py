"""Merchant feeds in every way they are written, and every bad one with its sentence."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from Data.errors import ImportFailed, SourceCutOff
from Data.importers import ImportedRow, ImportOptions, guess_layout, open_source
from Data.importers.merchant_fields import to_row
from Data.product import Product, RowProblem

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ITEM = """<item>
  <g:id>{0}</g:id><title>Plain title</title><g:title>Wrap dress &amp; belt</g:title>
  <link>https://shop.example/p/{0}?a=1&amp;b=2</link>
  <g:image_link>https://shop.example/{0}.jpg</g:image_link>
  <g:additional_image_link>https://shop.example/{0}-2.jpg</g:additional_image_link>
  <g:additional_image_link>https://shop.example/{0}-3.jpg</g:additional_image_link>
  <g:price>59.90 EUR</g:price><g:sale_price>39.90 EUR</g:sale_price>
  <g:availability>in_stock</g:availability><g:brand>Halden</g:brand>
  <g:item_group_id>G7</g:item_group_id><g:google_product_category>2271</g:google_product_category>
  <g:product_type>Women &gt; Dresses &gt; Wrap Dresses</g:product_type>
  <g:color>Navy</g:color><g:gender>female</g:gender><g:age_group>adult</g:age_group><g:size>M</g:size>
  <g:shipping><g:country>DE</g:country><g:price>4.90 EUR</g:price></g:shipping>
</item>"""
RSS = '<?xml version="1.0"?><rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>'
END = "</channel></rss>"


def rows(path: Path, **options: object) -> list[ImportedRow | RowProblem]:
    return list(open_source("merchant-feed", path, ImportOptions(**options)).rows())  # type: ignore[arg-type]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def product(row: ImportedRow | RowProblem) -> Product:
    assert isinstance(row, ImportedRow), row
    return Product.from_row(row.row, row.values)


def is_the_dress(row: ImportedRow | RowProblem) -> None:
    assert isinstance(row, ImportedRow)
    assert row.urls == tuple(f"https://shop.example/a{end}.jpg" for end in ("", "-2", "-3"))
    assert product(row) == Product(
        product_id="a",
        name="Wrap dress & belt",
        brand="Halden",
        category="wrap-dresses",
        category_name="Wrap Dresses",
        gender="women",
        age_group="adult",
        colour="navy",
        sizes=("M",),
        group_id="G7",
        price=Decimal("59.9"),
        final_price=Decimal("39.9"),
        currency="EUR",
        product_url="https://shop.example/p/a?a=1&b=2",
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_rss(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "feed.xml", RSS + ITEM.format("a") + ITEM.format("b") + END, encoding)
    found = rows(path)
    assert [row.row for row in found] == [1, 2]
    is_the_dress(found[0])
    assert guess_layout(path) == "merchant-feed"


def test_atom(tmp_path: Path) -> None:
    entry = ITEM.format("a").replace("item>", "entry>")
    link = '<link rel="self" href="https://shop.example/x"/><link href="https://shop.example/p/a?a=1&amp;b=2"/>'
    entry = entry.replace("<link>https://shop.example/p/a?a=1&amp;b=2</link>", "<id>urn:x</id>" + link)
    start = '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><id>urn:feed</id>'
    found = rows(write(tmp_path / "feed.xml", start + entry + "</feed>"))
    assert [row.row for row in found] == [1]
    is_the_dress(found[0])


@pytest.mark.parametrize("prefix", ["", "g:"])
def test_table_with_tabs(tmp_path: Path, prefix: str) -> None:
    fields = {
        "id": "a",
        "title": "Wrap dress & belt",
        "link": "https://shop.example/p/a?a=1&b=2",
        "image_link": "https://shop.example/a.jpg",
        "additional_image_link": "https://shop.example/a-2.jpg,https://shop.example/a-3.jpg",
        "price": "EUR 59.90",
        "sale_price": "39,90 EUR",
        "availability": "in stock",
        "brand": "Halden",
        "item_group_id": "G7",
        "product_type": "Women > Dresses > Wrap Dresses",
        "color": "Navy",
        "gender": "Female",
        "age_group": "adult",
        "size": "M",
        "a column of their own": "x",
    }
    header = "\t".join(prefix + name for name in fields)
    path = write(tmp_path / "feed.tsv", f"\ufeff{header}\n" + "\t".join(fields.values()) + "\n")
    assert guess_layout(path) == "merchant-feed"
    is_the_dress(rows(path)[0])


@pytest.mark.parametrize(("header", "product_id"), [("id\ttitle", "a"), ("title\tid", None)])
def test_a_row_with_a_tab_too_many_has_an_id_where_that_stands_first(
    tmp_path: Path, header: str, product_id: str | None
) -> None:
    (row,) = rows(write(tmp_path / "feed.tsv", f"{header}\n a \tHat\tblue\n"))
    assert row == RowProblem(1, "has 3 cells where the header has 2.", product_id)


def test_an_item_with_little_in_it(tmp_path: Path) -> None:
    row = rows(write(tmp_path / "feed.xml", f"{RSS}<item><g:id>7</g:id><title>Hat</title></item>{END}"))[0]
    assert product(row) == Product(product_id="7", name="Hat")


@pytest.mark.parametrize(
    ("category", "expected"),
    [
        ({"google_product_category": ["2271"]}, "Dresses"),
        ({"google_product_category": ["Apparel & Accessories > Clothing > Shirts & Tops"]}, "Shirts & Tops"),
        ({"google_product_category": ["Apparel & Accessories > Clothing"]}, None),
        ({"google_product_category": ["166"]}, None),
        ({"product_type": ["Home", "Men &gt; Shirts"]}, "Shirts"),
        ({"product_type": ["Clothing"], "google_product_category": ["187"]}, "Shoes"),
    ],
)
def test_the_narrowest_category_counts(category: dict[str, list[str]], expected: str | None) -> None:
    assert to_row(1, {"id": ["a"], "title": ["A"], **category}, None, NOW).values["category_name"] == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("in_stock", True),
        ("out of stock", False),
        ("https://schema.org/OutOfStock", False),
        ("http://schema.org/InStock", True),
        ("preorder", True),
        ("BackOrder", True),
        ("", True),
    ],
)
def test_availability(said: str, expected: bool) -> None:
    assert to_row(1, {"id": ["a"], "availability": [said]}, None, NOW).values["in_stock"] is expected


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("2026-02-24T11:07+0100/2026-03-29T23:07+0100", "39.90"),
        ("2026-03-24T11:07+0100/2026-03-29T23:07+0100", None),
        ("2026-02-01/2026-02-28", None),
    ],
)
def test_a_sale_counts_while_it_is_on(interval: str, expected: str | None) -> None:
    fields = {"price": ["59.90 EUR"], "sale_price": ["39.90 EUR"], "sale_price_effective_date": [interval]}
    assert to_row(1, fields, None, NOW).values["final_price"] == expected


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("g:price", "-5.00 EUR", "price -5.00 is negative."),
        ("g:price", "on request", "'on request' is not a price such as 15.00 EUR."),
        ("g:price", "10.00", "a price needs a currency."),
        ("g:sale_price", "99.00 EUR", "final_price 99 is above price 10."),
        ("g:sale_price", "9.00 USD", "sale_price is in USD and price in EUR; they must be in one currency."),
        ("g:gender", "robots", "gender is 'robots' and must be one of male, men, female, women, unisex."),
        ("g:age_group", "old", "age_group is 'old' and must be one of adult, newborn, infant, toddler, kids."),
        (
            "g:availability",
            "maybe",
            "availability is 'maybe' and must be in_stock, out_of_stock, preorder or backorder.",
        ),
        ("g:link", "/products/1", "product_url '/products/1' is not a whole http or https address."),
        ("g:link", "javascript:alert(1)", "product_url 'javascript:alert(1)' is not a whole http or https address."),
        ("g:title", "   ", "name is missing."),
        ("g:id", "x" * 201, "product_id is longer than 200 characters."),
    ],
)  # fmt: skip
def test_a_bad_item_is_told_in_a_sentence_and_stops_no_other(tmp_path: Path, field: str, value: str, said: str) -> None:
    fields = {"g:id": "a", "g:title": "Hat", "g:price": "10.00 EUR"} | {field: value}
    item = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    found = rows(write(tmp_path / "feed.xml", f"{RSS}<item>{item}</item>{ITEM.format('b')}{END}"))
    assert len(found) == 2
    product(found[1])
    if isinstance(found[0], RowProblem):
        assert (found[0].reason, found[0].product_id) == (said, "a")
    else:
        with pytest.raises(Exception, match="Row 1") as caught:
            product(found[0])
        assert str(caught.value) == f"Row 1: {said}"


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
INSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        ((RSS + ITEM.format("a"))[:-40], SourceCutOff, "ends in the middle, at line"),
        (RSS + ITEM.format("a"), SourceCutOff, "ends in the middle, at line"),
        ("", SourceCutOff, "is empty"),
        (RSS.replace("<rss", BOMB + "<rss") + "<item><title>&c;</title></item>" + END, ImportFailed, "entities"),
        (RSS.replace("<rss", INSIDE + "<rss") + "<item><title>&a;</title></item>" + END, ImportFailed, "entities"),
        (RSS + "<item><title>Tops & more</title></item>" + END, ImportFailed, "not well-formed XML"),
        (RSS + "<item></other>" + END, ImportFailed, "not well-formed XML"),
        ("<html><body>Not found</body></html>", ImportFailed, "neither an RSS nor an Atom feed"),
        ("sku\tname\n1\tHat\n", ImportFailed, "has no column id"),
        ("id\ttitle\tcolor\n1\tHat\tred\n2\tCo", SourceCutOff, "ends in the middle of row 2"),
        ('id\ttitle\n1\t"never closed\n', ImportFailed, "never closed"),
    ],
)
def test_an_unusable_feed_is_told_in_a_sentence(tmp_path: Path, content: str, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said) as caught:
        rows(write(tmp_path / "feed.xml", content))
    assert type(caught.value) is kind


@pytest.mark.parametrize("start", ["<?xml version='1.0' encoding='utf-8'?>", ""])
def test_the_wrong_encoding_is_told(tmp_path: Path, start: str) -> None:
    text = start + RSS.partition("?>")[2] + "<item><g:id>1</g:id><title>Grün</title></item>" + END
    with pytest.raises(ImportFailed, match="save it as UTF-8"):
        rows(write(tmp_path / "feed.xml", text, "latin-1"))
    table = write(tmp_path / "feed.tsv", "id\ttitle\n1\tGrün\n", "latin-1")
    with pytest.raises(ImportFailed, match="not UTF-8"):
        rows(table)


@pytest.mark.parametrize(
    ("said", "encoding"), [("EUC-KR", "euc-kr"), ("Shift_JIS", "ascii"), ("x-unheard-of", "ascii"), ("base64", "ascii")]
)
def test_an_encoding_that_is_not_read_is_told(tmp_path: Path, said: str, encoding: str) -> None:
    title = "셔츠" if encoding == "euc-kr" else "Shirt"
    start = f"<?xml version='1.0' encoding='{said}'?>" + RSS.partition("?>")[2]
    feed = write(tmp_path / "feed.xml", f"{start}<item><g:id>1</g:id><title>{title}</title></item>{END}", encoding)
    with pytest.raises(ImportFailed, match=r"feed\.xml is in an encoding .*: save it as UTF-8"):
        rows(feed)


def test_what_came_before_the_end_is_good(tmp_path: Path) -> None:
    path = write(tmp_path / "feed.xml", RSS + ITEM.format("a") + ITEM.format("b")[:50])
    source = open_source("merchant-feed", path).rows()
    is_the_dress(next(source))
    with pytest.raises(SourceCutOff):
        next(source)


def test_memory_stays_flat(tmp_path: Path) -> None:
    """The tree that is built holds one item, however many the feed has."""
    import tracemalloc

    def peak(items: int) -> int:
        path = write(tmp_path / f"{items}.xml", RSS + ITEM.format("a") * items + END)
        source = open_source("merchant-feed", path)
        tracemalloc.start()
        assert sum(1 for _ in source.rows()) == items
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(10)
    assert peak(300) < peak(30) + 60_000  # 300 items are 400 kB of text
