"""Pictures of the running page, 1280 and 390 px wide, in both languages: to look at, and for the README.

python -m tests.e2e.screenshots http://127.0.0.1:8501 screenshots
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from Frontend.texts import TEXTS, Language
from tests.e2e.conftest import BROWSER_FLAGS, BROWSERS

SCREENS = {"desktop": (1280, 860, False), "phone": (390, 1500, True)}
SETTLE_MS = 2000


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="Where the page runs.")
    parser.add_argument("folder", type=Path, help="Where the pictures go.")
    parser.add_argument("--sample", type=int, default=0, help="Which of the page's samples to search with, from 0.")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        for screen in SCREENS:
            for language in TEXTS:
                shoot(browser, chosen.url, chosen.folder, screen, language, chosen.sample)
        browser.close()


def shoot(browser: Browser, url: str, folder: Path, screen: str, language: Language, sample: int) -> None:
    """Take the invitation, the results and the open filters of one screen in one language."""
    width, height, touch = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, is_mobile=touch, has_touch=touch)
    page = context.new_page()
    page.goto(f"{url}/?language={language}")
    page.locator(f".st-key-sample-{sample} button").wait_for()
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=folder / f"{screen}-{language}-start.png")
    page.locator(f".st-key-sample-{sample} button").click()
    page.locator(".sl-grid .sl-card:not(.sl-loading)").first.wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=folder / f"{screen}-{language}-results.png")
    page.get_by_role("button", name=TEXTS[language].filters).click()
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=folder / f"{screen}-{language}-filters.png")
    context.close()


if __name__ == "__main__":
    main()
