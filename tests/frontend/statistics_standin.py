"""The statistics that the stand-in service gives."""

from typing import Any

STEPS = 16


def colours(first: str) -> dict[str, Any]:
    """Return colours that are mostly `first`."""
    even = [round(1 / STEPS, 4)] * STEPS
    named = [{"name": first, "hex": "#1f2a44", "share": 0.7}, {"name": "white", "hex": "#fafafa", "share": 0.3}]
    return {"pictures": 3, "red": even, "green": even, "blue": even, "colours": named}


def statistics(products: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the catalogue at a glance; its dearest product has a name that attacks the page."""
    if not products:
        return {
            "products": 0,
            "prices": {"currency": None, "priced": 0, "median": None, "bins": []},
            "index": {"generation": None, "kind": "exact", "vectors": 0, "dimension": 0, "recall": 1.0},
        }
    attack = {**products[0], "name": "<script>alert(1)</script>"}
    bins = [{"low": 20.0, "high": 40.0, "count": 7}, {"low": 40.0, "high": None, "count": 5}]
    return {
        "products": 1234,
        "coverage_rate": 99.5,
        "pictures": 1300,
        "features": 1290,
        "pending": 6,
        "failed": 4,
        "categories": [{"slug": "dress", "name": "Dress", "count": 800}, {"slug": "hat", "name": "Hat", "count": 434}],
        "brands": [{"name": "Halden", "count": 1234}],
        "brand_count": 1,
        "prices": {"currency": "EUR", "priced": 12, "median": 40.0, "bins": bins},
        "cheapest": products[:5],
        "dearest": [attack],
        "colours": colours("navy"),
        "index": {"generation": "000001", "kind": "compact", "vectors": 1290, "dimension": 512, "recall": 0.997},
    }
