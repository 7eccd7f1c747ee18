"""The page for those who use it by keyboard, by ear or enlarged: axe-core finds nothing serious on it."""

import pytest
from playwright.sync_api import Page, expect

from Frontend.texts import ENGLISH
from tests.e2e import axe
from tests.e2e.conftest import Site
from tests.e2e.test_main_job import CARD, hand_over

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_axe_finds_nothing_serious(request: pytest.FixtureRequest, site: Site, photo: bytes, screen: str) -> None:
    page: Page = request.getfixturevalue(screen)
    found = axe.faults(page)
    hand_over(page, photo)
    found += axe.faults(page)
    page.get_by_role("button", name=ENGLISH.filters).click()
    page.get_by_role("button", name=ENGLISH.filters_clear).wait_for()
    found += axe.faults(page)
    page.keyboard.press("Escape")
    page.get_by_role("link", name=ENGLISH.to_catalogue).click()
    expect(page.locator(".sl-figures").first).to_be_visible()
    assert found + axe.faults(page) == []
    expect(page.locator(CARD)).to_have_count(0)
