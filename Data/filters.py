"""What a search or a listing may be narrowed to."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from Data.errors import FilterInvalid
from Data.money import MONEY_LIMIT, MONEY_SCALE
from Data.product import Product


@dataclass(frozen=True)
class Filter:
    """A conjunction of conditions; an empty one restricts nothing.

    Args:
        category: Slugs, any of which will do; so for gender, brand, colour and age_group.
        gender: "men" and "women" let "unisex" through as well.
        min_price: Lower bound of final_price, inclusive, in the catalogue's currency. With a bound on the price,
            products without a price or in another currency are left out.
        max_price: Upper bound of final_price, inclusive.
        in_stock: True or False for only those; None for both.
        product_ids: Only these; an empty set lets nothing through.
        exclude_product_ids: None of these.
    Raises:
        FilterInvalid: a field of the wrong type, or min_price above max_price.
    """

    category: tuple[str, ...] = ()
    gender: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    colour: tuple[str, ...] = ()
    age_group: tuple[str, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock: bool | None = None
    product_ids: frozenset[str] | None = None
    exclude_product_ids: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("category", "gender", "brand", "colour", "age_group"):
            if isinstance(getattr(self, name), str):
                raise FilterInvalid(f"The filter {name} takes a tuple of values, not one text.")
        for name in ("min_price", "max_price"):
            bound = getattr(self, name)
            if bound is not None and not (isinstance(bound, Decimal) and bound.is_finite()):
                raise FilterInvalid(f"The filter {name} takes a finite Decimal.")
        if self.min_price is not None and self.max_price is not None and self.min_price > self.max_price:
            raise FilterInvalid(f"min_price {self.min_price} is above max_price {self.max_price}: swap them.")

    @property
    def is_empty(self) -> bool:
        """Whether everything passes."""
        return all(getattr(self, field.name) == field.default for field in fields(self))

    @property
    def genders(self) -> frozenset[str]:
        """The genders that pass, "unisex" included where men or women were asked for; empty for all."""
        return frozenset(self.gender) | ({"unisex"} if {"men", "women"} & set(self.gender) else frozenset())

    @property
    def bounds_price(self) -> bool:
        """Whether there is a bound on the price."""
        return self.min_price is not None or self.max_price is not None

    @property
    def min_units(self) -> int | None:
        """The lowest final price that passes, in whole ten-thousandths, as the database and the index store it."""
        return None if self.min_price is None else _units(self.min_price, ROUND_CEILING)

    @property
    def max_units(self) -> int | None:
        """The highest final price that passes, in whole ten-thousandths."""
        return None if self.max_price is None else _units(self.max_price, ROUND_FLOOR)

    def matches(self, product: Product, currency: str | None) -> bool:
        """Return whether the product passes: the plain definition that every faster filter is tested against.

        Args:
            currency: The catalogue's currency, which the bounds on the price are in.
        """

        def passes(value: str | None, wanted: Collection[str]) -> bool:
            return not wanted or value in wanted

        return (
            passes(product.category, self.category)
            and passes(product.gender, self.genders)
            and passes(product.brand, self.brand)
            and passes(product.colour, self.colour)
            and passes(product.age_group, self.age_group)
            and (self.in_stock is None or product.in_stock == self.in_stock)
            and (self.product_ids is None or product.product_id in self.product_ids)
            and product.product_id not in self.exclude_product_ids
            and (not self.bounds_price or self._price_passes(product, currency))
        )

    def _price_passes(self, product: Product, currency: str | None) -> bool:
        if product.final_price is None or product.currency != currency:
            return False
        return (self.min_price is None or product.final_price >= self.min_price) and (
            self.max_price is None or product.final_price <= self.max_price
        )


def _units(bound: Decimal, rounding: str) -> int:
    # No price lies outside; within, the integer fits 64 bits.
    bound = min(max(bound, Decimal(-1)), Decimal(MONEY_LIMIT))
    return int(bound.quantize(Decimal(1) / MONEY_SCALE, rounding) * MONEY_SCALE)
