"""How prices are spread over the catalogue, counted by the database."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, func, select

from Data.catalogue import Catalogue
from Data.database import reading
from Data.money import from_units
from Data.schema import index_state, products

BINS = 20
TAIL = 0.02
"""Share of the dearest products that the last bin takes in, however dear they are: one coat would hide all shirts."""

_STEPS = (1, 2, 5)


@dataclass(frozen=True)
class PriceBin:
    """Products whose final price is from `low` to below `high`; the last bin has no end, and `high` None."""

    low: Decimal
    high: Decimal | None
    count: int


@dataclass(frozen=True)
class PriceSpread:
    """Final prices in the catalogue's currency.

    Args:
        priced: products that have one.
        median: the lower one of two; None without prices.
        bins: of one width, rising, none left out between them.
    """

    currency: str | None
    priced: int
    median: Decimal | None
    bins: tuple[PriceBin, ...]


def price_spread(catalogue: Catalogue, bins: int = BINS) -> PriceSpread:
    """Return how prices are spread.

    Args:
        bins: at most so many, of a round width.
    """
    with reading(catalogue.engine) as connection:
        currency = connection.execute(select(index_state.c.catalogue_currency)).scalar_one()
        here = (products.c.currency == currency) & products.c.final_price.is_not(None)
        number = connection.execute(select(func.count()).select_from(products).where(here)).scalar_one()
        if not number:
            return PriceSpread(currency, 0, None, ())
        low = _ranked(connection, currency, 0)
        width = _round_width(max(_ranked(connection, currency, int(number * (1 - TAIL))) - low, 1), bins)
        start = low // width * width
        last = bins - 1
        place = (products.c.final_price - start) // width
        query = select(place, func.count()).where(here).group_by(place)
        counts: dict[int, int] = {}
        for position, count in connection.execute(query):
            counts[min(int(position), last)] = counts.get(min(int(position), last), 0) + count
        median = _ranked(connection, currency, (number - 1) // 2)
    used = range(max(counts) + 1)
    ends = [from_units(start + (position + 1) * width) for position in used]
    found = tuple(
        PriceBin(
            from_units(start + position * width), None if position == last else ends[position], counts.get(position, 0)
        )
        for position in used
    )
    return PriceSpread(currency, number, from_units(median), found)


def _ranked(connection: Connection, currency: str, rank: int) -> int:
    """Return the price that so many others are not above."""
    query = select(products.c.final_price).where(products.c.currency == currency, products.c.final_price.is_not(None))
    return int(connection.execute(query.order_by(products.c.final_price).offset(rank).limit(1)).scalar_one())


def _round_width(span: int, bins: int) -> int:
    """Return the least of 1, 2, 5, 10, 20... ten-thousandths by which `bins` - 1 steps and their start cover `span`."""
    power = 1
    while True:
        for step in _STEPS:
            if step * power * max(bins - 2, 1) >= span:
                return step * power
        power *= 10
