"""A shop of another origin under a strict policy, and a visitor who keeps what the browser complains of."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from playwright.sync_api import ConsoleMessage, Page, Request, Route

from tests.e2e import axe

CARD = ".siw-card:not(.siw-loading)"
OPTIONS = 'data-category="" data-limit="6" data-min-similarity="0.1"'
SHOP_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>A shop</title>
<meta name="product-id" content="{product_id}">
<link rel="stylesheet" href="/shop.css">
<link rel="stylesheet" href="{api}/static/similar_images.css">
<script src="{api}/static/similar_images.js" defer></script></head>
<body><main><h1>A product</h1><div id="similar-images-container" {options}></div><p id="below">Below</p></main></body>
</html>"""
SHOP_STYLE = "body { margin: 1rem; background: light-dark(#fff, #141414); font-family: sans-serif }"


class Shop:
    """A shop's site on an origin of its own.

    Args:
        api: the service's address.
        product_id: the product that its page is about.
    """

    def __init__(self, api: str, product_id: str, picture: bytes, hostile_id: str) -> None:
        self.api = api
        self.product_id = product_id
        self.picture = picture
        self.hostile_id = hostile_id
        self.url = ""

    @property
    def policy(self) -> str:
        """Allow the service and nothing else: no inline script or style, no string turned into markup."""
        sources = "".join(f"; {kind}-src {self.api}" for kind in ("script", "style", "img", "connect"))
        sources = sources.replace("style-src", "style-src 'self'")
        return f"default-src 'none'; base-uri 'none'; require-trusted-types-for 'script'{sources}"

    def page(self, path: str) -> str:
        """Return the page of a path: /<language>/<product id>, or the page of the product."""
        parts = [part for part in path.split("/") if part]
        language, product_id = parts if len(parts) == 2 else ("en", self.product_id)
        return SHOP_PAGE.format(language=language, product_id=product_id, api=self.api, options=OPTIONS)


@contextmanager
def open_to_visitors(shop: Shop) -> Iterator[None]:
    """Serve the shop's pages on a free port, and write its address down."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            style = self.path == "/shop.css"
            body = (SHOP_STYLE if style else shop.page(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Type", f"text/{'css' if style else 'html'}; charset=utf-8")
            self.send_header("Content-Security-Policy", shop.policy)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shop.url = f"http://127.0.0.1:{server.server_port}/"
        Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


class Visit:
    """A page, and everything that it complained about or asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        page.set_default_timeout(20_000)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


def until(page: Page, expression: str) -> None:
    """Wait until an expression holds. (`wait_for_function` asks again by eval, which the page's policy forbids.)"""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"it never came true: {expression}")


def faults(visit: Visit) -> list[str]:
    """Return what axe-core finds serious or critical. What the page says against axe's own styles is not kept."""
    own = list(visit.complaints)
    found = axe.faults(visit.page)
    visit.complaints[:] = own
    return found


def product(**changes: object) -> dict[str, object]:
    """Return a product as the service answers it."""
    made: dict[str, object] = {
        "product_id": "p",
        "name": "Dress",
        "brand": "Halden",
        "image_url": None,
        "product_url": "https://example.com/p",
        "price": 80.0,
        "currency": "EUR",
        "discount_rate": 25.0,
        "final_price": 60.0,
        "similarity_score": 0.8,
    }
    return made | changes


def answer_with(page: Page, shop: Shop, products: list[dict[str, object]], status: int = 200) -> None:
    """Answer the widget in the service's place with products that no real catalogue would keep."""

    def fulfil(route: Route) -> None:
        body = json.dumps({"similar_products": products, "total_count": len(products)})
        headers = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(status=status, body=body, content_type="application/json", headers=headers)

    page.route(f"{shop.api}/api/recommendations/**", fulfil)
