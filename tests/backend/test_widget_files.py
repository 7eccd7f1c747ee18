"""The widget's files: how small they are, how they are cached, what its page shows of the catalogue."""

import gzip
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from Backend.routes.widget import CONTENT_SECURITY_POLICY, EXAMPLES, render, snippet
from Data.product import Product

FILES = ("similar_images.js", "similar_images.css")
AT_MOST = 12_000  # bytes of both, gzipped


def test_both_files_together_are_small(repository: Path) -> None:
    sizes = [len(gzip.compress((repository / "Backend" / "static" / name).read_bytes())) for name in FILES]
    assert sum(sizes) < AT_MOST, sizes


@pytest.mark.parametrize("name", FILES)
def test_any_origin_reads_a_file_and_asks_again_cheaply(client: TestClient, name: str) -> None:
    first = client.get(f"/static/{name}", headers={"Origin": "https://shop.example"})
    assert first.status_code == 200
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age=300" in first.headers["Cache-Control"]
    again = client.get(f"/static/{name}", headers={"If-None-Match": f'W/{first.headers["ETag"]}, "other"'})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_travels_gzipped_where_that_is_understood(client: TestClient, repository: Path, name: str) -> None:
    data = (repository / "Backend" / "static" / name).read_bytes()
    packed = client.get(f"/static/{name}", headers={"Accept-Encoding": "br, gzip"})
    plain = client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.content == plain.content == data
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) < len(data) / 2
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


def test_the_page_counts_its_lines_rightly(repository: Path) -> None:
    lines = [line for line in snippet("https://api.example", "dress-007").splitlines() if line]
    assert len(lines) == 4
    page = (repository / "Backend" / "static" / "widget.html").read_text(encoding="utf-8")
    assert "<h1>Similar pieces, in four lines.</h1>" in page
    assert "with four lines of HTML" in (repository / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["widget.html", "..%2Fmain.py", "nothing.js"])
def test_nothing_else_is_served(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code in (404, 422)


def test_the_page_shows_a_product_and_the_code(client: TestClient) -> None:
    answer = client.get("/widget", params={"product_id": "no such product"})
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "&lt;script src=&quot;http://testserver/static/similar_images.js&quot; defer&gt;" in answer.text
    assert 'aria-current="page"' in answer.text


def test_the_page_offers_different_kinds_of_garments(client: TestClient) -> None:
    offered = re.findall(r'href="\?product_id=([^"]+)"', client.get("/widget").text)
    categories = {client.get(f"/api/products/{product_id}").json()["category_slug"] for product_id in offered}
    assert len(offered) == len(categories) == EXAMPLES


def test_what_a_catalogue_says_is_text() -> None:
    attack = '"><script>alert(1)</script>$name'
    product = Product(product_id=attack, name=attack)
    page = render("https://api.example", product, [product])
    assert page.count("<script") == 2  # the page's own
    assert "alert(1)" in page
    assert "&quot;&gt;" in snippet("https://api.example", attack)


def test_an_empty_catalogue_still_shows_the_code() -> None:
    assert "YOUR-PRODUCT-ID" in render("https://api.example", None, [])
