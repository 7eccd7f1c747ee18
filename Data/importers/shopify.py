"""`shopify`: the products.json pages of a Shopify shop: at its address, as a file, or as a folder of pages.

A shop is read page by page (`?page=`, or `?since_id=` where the address has it), so memory holds one page. The pages
say no currency: a shop's own meta.json does, a file needs `currency`.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from Data.crawler.addresses import split
from Data.crawler.fetcher import Fetcher
from Data.errors import FetchError, ImportFailed, SourceCutOff
from Data.importers.base import ImportedRow, ImportOptions, register, register_address
from Data.importers.identity import id_of
from Data.importers.json_items import read_items
from Data.product import RowProblem

PAGE = "products.json"
LIMIT = 250
MAX_PAGES = 100_000

SIZE = {"size", "sizes", "größe", "grösse", "groesse", "taille", "talla", "taglia", "maat", "사이즈", "サイズ", "尺码"}
COLOUR = {"color", "colour", "farbe", "couleur", "colore", "kleur", "색상", "カラー", "颜色"}

Item = Mapping[str, Any]


class Shopify:
    """The products of a shop.

    Args:
        pages: yields the products in the shop's order.
        currency: of all prices.
        shop: address of the shop without a slash at the end; None where nobody knows it, and products have no links.
    """

    total: int | None = None

    def __init__(self, pages: Iterator[Item], currency: str | None, shop: str | None) -> None:
        self._pages = pages
        self._currency = currency
        self._shop = shop

    def rows(self) -> Iterator[ImportedRow | RowProblem]:
        """Yield one row per product; its variants give its sizes, its lowest price and its stock.

        Raises:
            SourceCutOff: a page is missing or ends in the middle.
            ImportFailed: a page is not of this layout.
        """
        for number, item in enumerate(self._pages, start=1):
            try:
                yield _row(number, item, self._currency, self._shop)
            except (ValueError, TypeError, AttributeError) as error:
                # Anything may stand in somebody else's JSON.
                said = str(error) if isinstance(error, ValueError) else "is not a product of Shopify's layout."
                yield RowProblem(number, said, id_of(item.get("id")))

    def read(self, file: str) -> bytes:
        """Refuse: the pages name addresses only."""
        raise FileNotFoundError(file)

    def fingerprint(self, file: str) -> str | None:
        """Return None: the pages hold no pictures."""
        del file
        return None


@register("shopify")
def open_shopify(path: Path, options: ImportOptions) -> Shopify:
    """Open a file of products, or a folder of such pages in the order of their names.

    Raises:
        ImportFailed: there is none.
    """
    if path.is_dir():
        files = sorted(path.glob("*.json"), key=_natural)
        if not files:
            raise ImportFailed(f"{path} holds no pages (*.json): check the path.")
    elif path.is_file():
        files = [path]
    else:
        raise ImportFailed(f"There is no file or folder {path}: check the path.")
    return Shopify(_of_files(files), options.currency, None)


@register_address("shopify")
def open_shop(address: str, options: ImportOptions) -> Shopify:
    """Open a shop by its address; https://shop.example, and that of any products.json, will do.

    Raises:
        ImportFailed: nothing can be fetched here.
        FetchRefused: it is not a whole address.
    """
    if options.fetcher is None:
        raise ImportFailed(f"{address[:120]} cannot be fetched here: save its pages and give their folder.")
    parts = split(address)
    path = parts.path if parts.path.endswith(".json") else f"{parts.path.rstrip('/')}/{PAGE}"
    shop = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    first = urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
    currency = options.currency or _currency_of(shop, options.fetcher)
    return Shopify(_of_shop(first, options.fetcher), currency, shop)


def _of_files(files: Sequence[Path]) -> Iterator[Item]:
    for path in files:
        with path.open("rb") as file:
            yield from read_items(file, "products", path.name)


def _of_shop(address: str, fetcher: Fetcher) -> Iterator[Item]:
    """Ask for page after page until one is empty."""
    parts = urlsplit(address)
    query = {"limit": str(LIMIT), **dict(parse_qsl(parts.query))}
    by_id = "since_id" in query
    page, before = int(query["page"]) if query.get("page", "").isdigit() else 1, None
    for _ in range(MAX_PAGES):
        if not by_id:
            query["page"] = str(page)
        items = _page(urlunsplit(parts._replace(query=urlencode(query))), fetcher)
        ids = [item.get("id") for item in items]
        # A server that does not know `page` gives the same one for ever.
        if not items or ids == before:
            return
        yield from items
        page, before = page + 1, ids
        query["since_id"] = str(max((each for each in ids if isinstance(each, int)), default=0))
        if not by_id:
            del query["since_id"]


def _page(address: str, fetcher: Fetcher) -> list[Item]:
    try:
        data = fetcher.fetch(address, kinds=()).data or b""
    except FetchError as error:
        raise SourceCutOff(f"The page {address[:200]} cannot be fetched ({str(error).rstrip('.')}).") from error
    return list(read_items(io.BytesIO(data), "products", address[:200]))


def _currency_of(shop: str, fetcher: Fetcher) -> str | None:
    """Return the currency that a shop says it sells in, None where it does not."""
    try:
        said = json.loads(fetcher.fetch(f"{shop}/meta.json", kinds=()).data or b"{}")
    except (FetchError, ValueError):
        return None
    currency = said.get("currency") if isinstance(said, dict) else None
    return currency if isinstance(currency, str) else None


def _row(number: int, item: Item, currency: str | None, shop: str | None) -> ImportedRow:
    """Return a product as a row.

    Raises:
        ValueError: a price cannot be read, or has no currency.
    """
    variants = [variant for variant in item.get("variants") or () if isinstance(variant, Mapping)]
    offered = [variant for variant in variants if variant.get("available", True)]
    prices = [_prices(variant) for variant in offered or variants]
    final, full = min(prices, default=(None, None))
    if final is not None and currency is None:
        raise ValueError("Shopify's pages name no currency: say it with --currency, for example --currency EUR.")
    handle = item.get("handle")
    colours = _option(item, variants, COLOUR)
    values = {
        "product_id": item.get("id"),
        "name": item.get("title"),
        "brand": item.get("vendor"),
        "category_name": item.get("product_type"),
        "colour": colours[0] if len(colours) == 1 else None,
        "sizes": _option(item, variants, SIZE),
        "price": full,
        "final_price": final,
        "currency": currency if final is not None else None,
        "product_url": f"{shop}/products/{handle}" if shop and handle else None,
        "in_stock": bool(offered) or not variants,
    }
    pictures = [image.get("src") for image in item.get("images") or () if isinstance(image, Mapping)]
    # Addresses without a scheme are how Shopify's themes write them.
    urls = (f"https:{url}" if url.startswith("//") else url for url in pictures if isinstance(url, str) and url)
    return ImportedRow(number, values, (), tuple(dict.fromkeys(urls)))


def _prices(variant: Item) -> tuple[Decimal, Decimal]:
    """Return what is paid and the list price."""
    final = _amount(variant.get("price"))
    compared = variant.get("compare_at_price")
    full = final if compared in (None, "") else _amount(compared)
    return final, max(full, final)


def _amount(said: object) -> Decimal:
    try:
        amount = Decimal(str(said))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise ValueError(f"price {str(said)[:40]!r} is not an amount of money.")
    return amount


def _option(item: Item, variants: Sequence[Item], names: set[str]) -> list[str]:
    """Return the values of the option with one of the names, in the shop's order."""
    for place, option in enumerate(item.get("options") or (), start=1):
        name = option.get("name") if isinstance(option, Mapping) else option
        if isinstance(name, str) and name.strip().lower() in names:
            said = [variant.get(f"option{place}") for variant in variants]
            return list(dict.fromkeys(value.strip() for value in said if isinstance(value, str) and value.strip()))
    return []


def _natural(path: Path) -> tuple[int, str]:
    """Sort page 10 after page 9."""
    digits = "".join(char for char in path.stem if char.isdigit())
    return int(digits[:18] or 0), path.name
