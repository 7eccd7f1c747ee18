"""What a product is. Anything that is not one is refused with a reason that a person understands."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from numbers import Integral
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from Data.errors import ProductInvalid
from Data.money import CURRENCIES, WHOLE_CURRENCIES, parse_money
from Data.text import clean_text, has_unsafe_characters, slugify

__all__ = ["AgeGroup", "Gender", "Picture", "Product", "RowProblem", "slugify", "validate_rows"]

Gender = Literal["men", "women", "unisex"]
AgeGroup = Literal["adult", "kids"]

ID_LENGTH = 200
NAME_LENGTH = 500
TEXT_LENGTH = 200
URL_LENGTH = 2000
MAX_PICTURES = 50
MAX_SIZES = 200

_SHA256 = re.compile(r"[0-9a-f]{64}")
# What most addresses look like; the others are taken apart.
_PLAIN_URL = re.compile(
    r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?:/[A-Za-z0-9_.~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9_.~&=+%-]*)?"
)
_URL_UNSAFE = re.compile(r"[\s\\<>\"]")
# Text never holds control characters, so these separate fields without ambiguity.
_FIELD, _ITEM = "\x1f", "\x1e"


def _missing(value: object) -> bool:
    """Tables spell a missing cell as None, as blank text or as the float NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _as_text(value: object) -> str | None:
    if isinstance(value, str):
        return clean_text(value) or None
    if _missing(value):
        return None
    if isinstance(value, Integral) and not isinstance(value, bool):
        return str(int(value))
    raise ValueError("must be text")


def _as_keyword(value: object) -> str | None:
    text = _as_text(value)
    return text.lower() if text else None


def _as_id(value: object) -> str | None:
    if isinstance(value, str) and has_unsafe_characters(value.strip()):
        # Stripping them could make two ids one.
        raise ValueError("holds control characters")
    return _as_text(value)


def _as_url(value: object) -> str | None:
    url = _as_text(value)
    if url is None:
        return None
    if _PLAIN_URL.fullmatch(url):
        return url
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and _URL_UNSAFE.search(url) is None
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"{url[:80]!r} is not a whole http or https address")
    return url


def _as_money(value: object) -> Decimal | None:
    if _missing(value) or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise ValueError("must be an amount of money")
    # As text, because a signalling NaN cannot be looked up in a cache.
    return parse_money(str(value))


def _as_currency(value: object) -> str | None:
    text = _as_text(value)
    if text is None:
        return None
    code = text.upper()
    if code not in CURRENCIES:
        raise ValueError(f"{text[:20]!r} is not an ISO 4217 currency code such as EUR or KRW")
    return code


def _as_slug(value: object) -> str | None:
    text = _as_text(value)
    if text is not None and slugify(text) != text:
        raise ValueError(f"{text[:80]!r} is not a slug such as {slugify(text) or 't-shirt'!r}")
    return text


# The limit stands inside the union: outside of it, a missing value would be measured as well.
ShortText = Annotated[str, Field(max_length=TEXT_LENGTH)]
OptionalText = Annotated[ShortText | None, BeforeValidator(_as_text)]
OptionalUrl = Annotated[Annotated[str, Field(max_length=URL_LENGTH)] | None, BeforeValidator(_as_url)]
OptionalMoney = Annotated[Decimal | None, BeforeValidator(_as_money)]


class Picture(BaseModel):
    """One picture of a product: stored already, still to be fetched, or both.

    Args:
        sha256: Key in the picture store, 64 lower-case hexadecimal digits.
        source_url: Where it comes from, http or https.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str | None = None
    source_url: OptionalUrl = None

    @field_validator("sha256")
    @classmethod
    def _hexadecimal(cls, value: str | None) -> str | None:
        if value is not None and _SHA256.fullmatch(value) is None:
            raise ValueError("must be 64 lower-case hexadecimal digits")
        return value

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.sha256 is None and self.source_url is None:
            raise ValueError("needs a sha256 or a source_url")
        return self


class Product(BaseModel):
    """A product of the catalogue. Frozen; equal when every field is.

    Args:
        product_id: 1..200 characters, the shop's own id.
        name: 1..500 characters; control characters are dropped, markup is kept as text.
        category: The shop's own category as a slug; made from category_name where only that is given.
        category_predicted: The category comes from the classifier, not from the shop.
        colour: Lower-cased, so that "Black" and "black" are one value of the facet.
        price: List price, >= 0, at most four decimals. Defaults to final_price where only that is given.
        final_price: What is paid, <= price; defaults to price.
        currency: ISO 4217; required with a price.
        product_url: http or https.
        pictures: In the shop's order; a picture listed twice counts once.
        cover_position: Index in `pictures` of the one that is shown; the catalogue chooses it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    product_id: Annotated[str, Field(max_length=ID_LENGTH), BeforeValidator(_as_id)]
    name: Annotated[str, Field(max_length=NAME_LENGTH), BeforeValidator(_as_text)]
    brand: OptionalText = None
    category: Annotated[str | None, BeforeValidator(_as_slug)] = None
    category_name: OptionalText = None
    category_predicted: bool = False
    gender: Annotated[Gender | None, BeforeValidator(_as_keyword)] = None
    age_group: Annotated[AgeGroup | None, BeforeValidator(_as_keyword)] = None
    colour: Annotated[ShortText | None, BeforeValidator(_as_keyword)] = None
    sizes: Annotated[tuple[str, ...], Field(max_length=MAX_SIZES)] = ()
    group_id: OptionalText = None
    price: OptionalMoney = None
    final_price: OptionalMoney = None
    currency: Annotated[str | None, BeforeValidator(_as_currency)] = None
    product_url: OptionalUrl = None
    in_stock: bool = True
    pictures: Annotated[tuple[Picture, ...], Field(max_length=MAX_PICTURES)] = ()
    cover_position: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        """Give price and final_price each other's value, and the category its slug, where one of two is missing."""
        if not isinstance(data, Mapping):
            return data
        values = dict(data)
        if _missing(values.get("final_price")) or values.get("final_price") == "":
            values["final_price"] = values.get("price")
        elif _missing(values.get("price")) or values.get("price") == "":
            values["price"] = values["final_price"]
        name = values.get("category_name")
        if not values.get("category") and isinstance(name, str):
            values["category"] = slugify(name) or None
        return values

    @field_validator("sizes", mode="before")
    @classmethod
    def _clean_sizes(cls, value: Any) -> Any:
        if _missing(value):
            return ()
        if not isinstance(value, (list, tuple)):  # a TypeError would pass by the ValidationError that says so
            raise ValueError("must be a list of texts")
        return tuple(text for text in map(_as_text, value) if text)

    @field_validator("pictures")
    @classmethod
    def _once(cls, value: tuple[Picture, ...]) -> tuple[Picture, ...]:
        if len(value) < 2:
            return value
        kept: list[Picture] = []
        files: set[str] = set()
        addresses: set[str] = set()
        for picture in value:
            if picture.sha256 in files or (picture.sha256 is None and picture.source_url in addresses):
                continue
            kept.append(picture)
            files.update(filter(None, [picture.sha256]))
            addresses.update(filter(None, [picture.source_url]))
        return tuple(kept)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.price is not None and self.final_price is not None:
            if self.final_price > self.price:
                raise ValueError(f"final_price {self.final_price} is above price {self.price}")
            if self.currency is None:
                raise ValueError("a price needs a currency")
            if self.currency in WHOLE_CURRENCIES and (self.price % 1 or self.final_price % 1):
                raise ValueError(f"a price in {self.currency} has no decimals")
        if self.category_predicted and self.category is None:
            raise ValueError("category_predicted needs a category")
        if self.cover_position >= max(1, len(self.pictures)):
            raise ValueError("cover_position is not one of the pictures")
        return self

    @classmethod
    def from_row(cls, row: int, values: Mapping[str, Any]) -> Self:
        """Validate one row of a source.

        Args:
            row: Number of the row in its source, counted from 1.
            values: Field name to value; unknown names are refused.
        Raises:
            ProductInvalid: with the row number and one sentence.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raw = values.get("product_id")
            raise ProductInvalid(row, _reason(error), None if _missing(raw) else str(raw)[:ID_LENGTH]) from None

    @property
    def discount_rate(self) -> float:
        """Percentage off the list price, 0..100, two decimals; 0 without a discount."""
        if not self.price or self.final_price is None:
            return 0.0
        return round(float((self.price - self.final_price) / self.price * 100), 2)

    @property
    def cover(self) -> Picture | None:
        """The picture to show, None for a product without pictures."""
        return self.pictures[self.cover_position] if self.pictures else None

    def content_hash(self) -> str:
        """Return 32 hexadecimal digits over all that the shop says, pictures and in_stock aside.

        A predicted category is left out, so a product that the shop sends again is recognised as unchanged.
        """
        own = (None, None) if self.category_predicted else (self.category, self.category_name)
        text = (self.name, self.brand, *own, self.gender, self.age_group, self.colour, self.group_id)
        money = (str(self.price or ""), str(self.final_price or ""), self.currency)
        if self.price is not None and not self.price:
            money = ("0", "0", self.currency)
        fields = (*text, *money, self.product_url, _ITEM.join(self.sizes))
        return blake2b(_FIELD.join([field or "" for field in fields]).encode(), digest_size=16).hexdigest()

    def pictures_hash(self) -> str:
        """Return 32 hexadecimal digits over the pictures and their order."""
        pairs = [f"{picture.sha256 or ''}{_FIELD}{picture.source_url or ''}" for picture in self.pictures]
        return blake2b(_ITEM.join(pairs).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class RowProblem:
    """A row that was refused.

    Args:
        row: Number of the row in its source, counted from 1.
        reason: One sentence.
        product_id: The row's id, where it could be read.
    """

    row: int
    reason: str
    product_id: str | None = None


def validate_rows(rows: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterator[Product | RowProblem]:
    """Turn numbered rows into products; a bad one becomes a RowProblem and never stops the rest."""
    for row, values in rows:
        try:
            yield Product.from_row(row, values)
        except ProductInvalid as problem:
            yield RowProblem(row, problem.reason, problem.product_id)


def _reason(error: ValidationError) -> str:
    """Say in one sentence what is wrong with the first bad field, and how many more there are."""
    problems = error.errors(include_url=False, include_context=True)
    first = problems[0]
    field = ".".join(str(part) for part in first["loc"])
    kind, given = first["type"], first.get("input")
    if kind == "missing" or (kind == "string_type" and given is None):
        said = "is missing"
    elif kind == "extra_forbidden":
        said = "is not a field of a product"
    elif kind == "string_too_long" or (kind == "too_long" and isinstance(given, str)):
        said = f"is longer than {first['ctx']['max_length']} characters"
    elif kind == "too_long":
        said = f"has more than {first['ctx']['max_length']} entries"
    elif kind == "literal_error":
        said = f"is {str(given)[:40]!r} and must be one of {first['ctx']['expected']}"
    elif kind.startswith("bool"):
        said = f"is {str(given)[:40]!r} and must be true or false"
    else:
        said = first["msg"].removeprefix("Value error, ")
    # final_price takes over price, and would tell its fault a second time.
    others = len({problem["msg"] for problem in problems}) - 1
    more = f" (and {others} more)" if others else ""
    return f"{field} {said}{more}.".lstrip()
