"""The page that lists the API: whole without the internet, and the bare address leads to it."""

import re

import pytest
from fastapi.testclient import TestClient

from Backend.routes.docs import CONTENT_SECURITY_POLICY


def test_the_bare_address_leads_to_the_page(client: TestClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.url.path) == (200, "/docs")


def test_the_page_asks_no_other_host(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 4
    for name in named:
        answer = client.get(f"/{name}")
        assert answer.status_code == 200
        assert len(answer.content) > 50
    assert "<script>" not in page.text


@pytest.mark.parametrize("name", ["redoc.standalone.js", "favicon.png", "..%2F..%2Fcore.py"])
def test_nothing_else_of_the_package_is_served(client: TestClient, name: str) -> None:
    assert client.get(f"/docs/{name}").status_code in (404, 422)
