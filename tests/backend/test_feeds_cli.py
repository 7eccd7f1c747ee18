"""`similook import` and `similook sync` as a shop runs them, against a real shop on loopback."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from Backend.cli import app
from Data.catalogue import Catalogue
from tests.data.webshop import WebShop, web_shop

START = '<rss xmlns:g="http://base.google.com/ns/1.0"><channel>'
END = "</channel></rss>"


@pytest.fixture
def shop() -> Iterator[WebShop]:
    buffer = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(buffer, "PNG")
    with web_shop() as running:
        running.show("/a.png", buffer.getvalue(), "image/png")
        yield running


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setenv("SIMILOOK_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SIMILOOK_ALLOW_PRIVATE_ADDRESSES", "true")

    def invoke(*words: str, fails: type[Exception] | None = None) -> str:
        result = CliRunner().invoke(app, list(words))
        if fails is not None:
            assert isinstance(result.exception, fails), result.output
            return str(result.exception)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    return invoke


def feed(shop: WebShop, *ids: str, currency: str = "EUR", end: str = END) -> str:
    items = "".join(
        f"<item><g:id>{key}</g:id><title>Hat {key}</title><g:price>9.90 {currency}</g:price>"
        f"<g:image_link>{shop.url}/{'gone' if key == 'b' else 'a'}.png</g:image_link></item>"
        for key in ids
    )
    return shop.show("/feed.xml", (START + items + end).encode(), "application/xml")


def test_a_feed_is_kept_in_step(shop: WebShop, run: Callable[..., str], tmp_path: Path) -> None:
    from Data.errors import SyncRefused

    address = feed(shop, "a", "b", "c")
    said = run("sync", address, "--dry-run")
    assert "3 rows: 3 new, 0 changed in text, 0 in pictures, 0 unchanged, 0 of 0 gone, 0 problems." in said
    assert "/a.png" not in shop.calls
    said = run("sync", address)
    assert "Done: 3 created, 0 changed, 0 out of stock, 0 deleted." in said
    assert "Pictures: 2 fetched, 0 unchanged, 1 failed." in said
    assert f"{shop.url}/gone.png: The server answered 404." in said
    assert "0 new, 0 changed in text, 0 in pictures, 3 unchanged" in run("sync", address)
    feed(shop, "a")
    assert "2 of 3 products are missing" in run("sync", address, fails=SyncRefused)
    assert "2 of 3 products are missing" in run("sync", address, "--dry-run")
    assert "2 out of stock" in run("sync", address, "--force")
    feed(shop, "a", "b", "c", currency="USD")
    said = run("sync", address, "--check-pictures")
    assert "The catalogue's currency is EUR; price filters leave out 3 in USD." in said
    assert "Pictures: 0 fetched, 2 unchanged, 0 failed." in said
    feed(shop, "a", end="<item>")
    assert "cut off" in run("sync", address, fails=SyncRefused)
    with Catalogue.open(f"sqlite:///{tmp_path / 'catalogue.sqlite'}") as catalogue:
        assert catalogue.count() == 3
        assert all(product.in_stock for product in catalogue.iterate())


def test_a_bad_row_whose_id_cannot_be_read_keeps_what_is_missing(run: Callable[..., str], tmp_path: Path) -> None:
    table = tmp_path / "shop.csv"
    table.write_text("id,name\n" + "".join(f"{number},Hat\n" for number in range(9)), encoding="utf-8")
    run("sync", str(table))
    table.write_text("id,name\n" + "".join(f"{number},Hat\n" for number in range(8)) + "8\x07,Hat\n", encoding="utf-8")
    said = run("sync", str(table), "--delete")
    assert "1 of 9 gone" in said and "Bad rows whose id cannot be read: 1." in said and "0 deleted" in said
    said = run("sync", str(table), "--delete", "--force")
    assert "cannot be read" not in said and "1 deleted" in said


def test_a_table_shows_its_columns_first(run: Callable[..., str], tmp_path: Path) -> None:
    table = tmp_path / "shop.csv"
    table.write_text("sku,Nice title,cost\n1,Hat,5 EUR\n2,Bag,-5 EUR\n3,Cap,x\n", encoding="utf-8")
    said = run("import", "table", str(table), "--map", "name=Nice title", "--map", "price=cost")
    assert said.splitlines()[0] == "Columns: name = Nice title, price = cost, product_id = sku"
    assert "3 rows: 1 created, 0 changed, 0 unchanged, 2 problems." in said
    assert "row 2 (2): price -5 is negative." in said
    assert "row 3 (3): 'x' is not a price such as 15.00 EUR." in said
    said = run("sync", str(table), "--map", "name=Nice title", "--map", "price=cost", "--no-fetch")
    assert "0 new, 0 changed in text, 0 in pictures, 1 unchanged, 0 of 1 gone, 2 problems." in said
