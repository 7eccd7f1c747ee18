"""The embeddable widget: its files as other origins load them, and a page that shows it alive with the code to copy.

The addresses of the files stay the same for good, because they stand in the pages of shops; a browser asks again after
five minutes and gets 304 while nothing changed.
"""

from contextlib import suppress
from html import escape
from string import Template
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Header, Query, Response
from starlette.concurrency import run_in_threadpool

from Backend.routes.context import Served
from Backend.static_files import STATIC, static_response
from Data.catalogue import Catalogue
from Data.errors import ProductNotFound
from Data.filters import Filter
from Data.product import Product

router = APIRouter(include_in_schema=False)

EXAMPLES = 8
DEFAULT_LIMIT = 10
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' https:",  # a picture is at the shop's own address until it is fetched
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)


@router.get("/static/{name}")
async def get_static(
    name: Literal["similar_images.js", "similar_images.css", "widget.js", "widget.css", "icon.svg"],
    if_none_match: Annotated[str | None, Header(max_length=2000)] = None,
    accept_encoding: Annotated[str | None, Header(max_length=2000)] = None,
) -> Response:
    """Return a file of the widget. Any origin may read it: it holds nothing of the shop."""
    response = static_response(STATIC / name, if_none_match, accept_encoding)
    response.headers["Access-Control-Allow-Origin"] = "*"  # for `integrity` in a shop's page
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@router.get("/widget")
async def widget_page(
    served: Served,
    product_id: Annotated[
        str | None, Query(max_length=200, description="Shown; absent: the catalogue's first.")
    ] = None,
) -> Response:
    """Return the page with a live widget and the code to copy."""
    shown, others = await run_in_threadpool(_examples, served.services.catalogue, product_id)
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cache-Control": "no-cache",
        "Referrer-Policy": "strict-origin-when-cross-origin",
    }
    page = render(served.base_url, shown, others)
    return Response(page, media_type="text/html; charset=utf-8", headers=headers)


def snippet(base_url: str, product_id: str, category: str = "", limit: int = DEFAULT_LIMIT) -> str:
    """Return the lines that a shop puts into its product page, as HTML.

    Args:
        category: a slug; empty: of every category.
        limit: products, 1 to 50.
    """
    base = escape(base_url)
    return "\n".join(
        (
            f'<meta name="product-id" content="{escape(product_id)}">',
            f'<link rel="stylesheet" href="{base}/static/similar_images.css">',
            f'<script src="{base}/static/similar_images.js" defer></script>',
            "",
            f'<div id="similar-images-container" data-category="{escape(category)}" data-limit="{limit}"></div>',
        )
    )


def render(base_url: str, shown: Product | None, others: list[Product]) -> str:
    """Fill the page. Every word of the catalogue passes through `escape` here.

    Args:
        base_url: of this service as the browser reaches it, without a slash at the end.
        shown: the product whose like is looked for; None: the catalogue is empty.
        others: to choose instead.
    """
    template = Template((STATIC / "widget.html").read_text(encoding="utf-8"))
    links = "".join(_choice(product, shown) for product in others)
    return template.substitute(
        product_id=escape(shown.product_id if shown else ""),
        name=escape(shown.name if shown else "The catalogue is empty: import products first."),
        links=links,
        snippet=escape(snippet(base_url, shown.product_id if shown else "YOUR-PRODUCT-ID")),
        base_url=escape(base_url),
    )


def _choice(product: Product, shown: Product | None) -> str:
    """Return the link that shows another product."""
    current = ' aria-current="page"' if shown is not None and product.product_id == shown.product_id else ""
    return f'<li><a href="?product_id={quote(product.product_id, safe="")}"{current}>{escape(product.name)}</a></li>'


def _examples(catalogue: Catalogue, product_id: str | None) -> tuple[Product | None, list[Product]]:
    """Return the product to show, and a few to choose from: one of each category, if there are any.

    An unknown id shows the first.
    """
    slugs = [slug for slug, _ in catalogue.facets("category")[:EXAMPLES]]
    of_each = [catalogue.page(1, None, Filter(category=(slug,))).products for slug in slugs]
    others = [product for products in of_each for product in products] or list(catalogue.page(EXAMPLES).products)
    if product_id is not None:
        with suppress(ProductNotFound):
            return catalogue.get(product_id), others
    return (others[0] if others else None), others
