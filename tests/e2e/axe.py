"""What axe-core says about a page as it stands in the browser."""

from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
GRAVE = ("serious", "critical")


def faults(page: Page, within: str = "html") -> list[str]:
    """Return the serious and critical faults, a line each.

    Args:
        within: selector of the part that is looked at.
    """
    # Handed over by the debugging protocol, which the page's policy does not bind.
    page.evaluate(AXE + ";0")
    found: dict[str, Any] = page.evaluate("within => axe.run(within)", within)
    page.wait_for_timeout(50)
    return [
        f"{violation['id']}: {node['html']} {node['failureSummary']}"
        for violation in found["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]
