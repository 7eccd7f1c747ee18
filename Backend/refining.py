"""What a search makes of its nearest products: the unlikely ones hidden, the rest sorted, counted and paged."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from typing import Literal, TypeVar

from Data.filters import Filter
from Data.product import Product

Sort = Literal["similarity", "price_asc", "price_desc", "discount"]
Pool = Callable[[Filter], Sequence[Product]]
Row = TypeVar("Row")

PRICE_BANDS = 5
STEPS = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))


@dataclass(frozen=True)
class Refinement:
    """What to do with the nearest products.

    Args:
        min_match_probability: those below it are hidden, 0..1; None hides none.
        sort: order; of equals the more similar one comes first.
        offset: how many to pass over: the length of the pages before.
        facets: whether to count.
    """

    min_match_probability: float | None = None
    sort: Sort = "similarity"
    offset: int = 0
    facets: bool = False

    @property
    def needs_all(self) -> bool:
        """Whether the first page cannot be told from the nearest few alone."""
        return self.min_match_probability is not None or self.sort != "similarity" or self.facets


NO_REFINEMENT = Refinement()


@dataclass(frozen=True)
class Count:
    """A value of a field and how many products have it; name is what people read."""

    value: str
    name: str
    count: int


@dataclass(frozen=True)
class PriceBand:
    """How many products cost at least `lowest` and less than `below`."""

    lowest: Decimal
    below: Decimal
    count: int


@dataclass(frozen=True)
class Facets:
    """What a search could be narrowed to, most products first; price bands by rising price."""

    category: list[Count]
    brand: list[Count]
    colour: list[Count]
    price: list[PriceBand]


def sorted_by(rows: Sequence[Row], product_of: Callable[[Row], Product], sort: Sort, currency: str | None) -> list[Row]:
    """Return rows in another order; those without a price in the catalogue's currency come last.

    Args:
        rows: most similar first.
        product_of: a row's product.
        sort: the order.
        currency: the catalogue's.
    """
    if sort == "similarity":
        return list(rows)
    if sort == "discount":
        return sorted(rows, key=lambda row: -product_of(row).discount_rate)
    priced = [row for row in rows if _price(product_of(row), currency) is not None]
    others = [row for row in rows if _price(product_of(row), currency) is None]
    sign = 1 if sort == "price_asc" else -1
    return [*sorted(priced, key=lambda row: sign * (_price(product_of(row), currency) or 0)), *others]


def facets_of(pool: Pool, filter: Filter, currency: str | None, name_of: Callable[[str, str | None], str]) -> Facets:
    """Count the values of a pool's fields.

    A field's own filter is left aside while that field is counted, so that what else could be chosen is shown as well.

    Args:
        pool: the products that a filter leaves, best first.
        filter: of the search.
        currency: the catalogue's.
        name_of: a category's slug and the shop's own name for it, to what people read.
    """
    pools: dict[Filter, Sequence[Product]] = {}

    def in_pool(wanted: Filter) -> Sequence[Product]:
        if wanted not in pools:
            pools[wanted] = pool(wanted)
        return pools[wanted]

    any_category = in_pool(replace(filter, category=()))
    categories = [(p.category, name_of(p.category, p.category_name)) for p in any_category if p.category]
    names = dict(reversed(categories))
    prices = [_price(product, currency) for product in in_pool(replace(filter, min_price=None, max_price=None))]
    return Facets(
        category=[
            Count(slug, names[slug], count) for slug, count in Counter(slug for slug, _ in categories).most_common()
        ],
        brand=[
            Count(text, text, count) for text, count in _counted(p.brand for p in in_pool(replace(filter, brand=())))
        ],
        colour=[
            Count(text, text, count) for text, count in _counted(p.colour for p in in_pool(replace(filter, colour=())))
        ],
        price=price_bands([price for price in prices if price is not None]),
    )


def price_bands(prices: Sequence[Decimal]) -> list[PriceBand]:
    """Return at most six bands of one round width (1, 2 or 5 times a power of ten), empty ones left out."""
    if not prices:
        return []
    span = max(prices) - min(prices) or max(prices) or Decimal(1)
    power = Decimal(10) ** (span / PRICE_BANDS).adjusted()
    width = next(step * power for step in STEPS if step * power * PRICE_BANDS >= span)
    numbers = Counter(int((price / width).to_integral_value(ROUND_FLOOR)) for price in prices)
    return [PriceBand(number * width, (number + 1) * width, count) for number, count in sorted(numbers.items())]


def _counted(values: Iterable[str | None]) -> list[tuple[str, int]]:
    return Counter(value for value in values if value).most_common()


def _price(product: Product, currency: str | None) -> Decimal | None:
    """Return what is paid, where it can be compared."""
    return product.final_price if product.currency == currency else None
