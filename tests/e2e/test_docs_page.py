"""The page that lists the API, in a real browser, without any other host."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import DESKTOP, Site

pytestmark = pytest.mark.browser


def test_the_api_can_be_read_and_tried(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    hosts: set[str] = set()
    complaints: list[str] = []
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    api = f"127.0.0.1:{site.service.port}"
    page.goto(f"http://{api}/")
    operation = page.locator("#operations-operation-healthz_healthz_get")
    operation.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    assert hosts - {""} == {api}  # pictures inside the style have no host
    assert complaints == []
    context.close()
