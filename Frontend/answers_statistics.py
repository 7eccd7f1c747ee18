"""The service's statistics as the page reads them."""

from Frontend.answers import Answer, CatalogueCategory, Money


class Brand(Answer):
    """A brand with its number of products."""

    name: str
    count: int


class PriceBin(Answer):
    """Products whose price is from `low` to below `high`; None: the last bin, which has no end."""

    low: Money
    high: Money | None = None
    count: int


class Prices(Answer):
    """How prices are spread, in the catalogue's currency."""

    currency: str | None = None
    priced: int = 0
    median: Money | None = None
    bins: tuple[PriceBin, ...] = ()


class NamedColour(Answer):
    """A colour with its share of the garments' pixels, 0..1."""

    name: str
    hex: str
    share: float


class Colours(Answer):
    """How garments' pixels are spread; red, green and blue are shares in equal steps from 0 to 255."""

    pictures: int = 0
    red: tuple[float, ...] = ()
    green: tuple[float, ...] = ()
    blue: tuple[float, ...] = ()
    colours: tuple[NamedColour, ...] = ()


class PricedProduct(Answer):
    """A product as far as a list of prices shows it."""

    product_id: str
    name: str
    brand: str | None = None
    image_url: str | None = None
    product_url: str | None = None
    final_price: Money | None = None
    currency: str | None = None


class IndexFacts(Answer):
    """What searching works on."""

    generation: str | None = None
    kind: str = ""
    vectors: int = 0
    new_vectors: int = 0
    dimension: int = 0
    recall: float | None = None
    memory_bytes: int = 0


class Statistics(Answer):
    """The catalogue at a glance."""

    products: int = 0
    coverage_rate: float = 0.0
    pictures: int = 0
    features: int = 0
    pending: int = 0
    failed: int = 0
    categories: tuple[CatalogueCategory, ...] = ()
    brands: tuple[Brand, ...] = ()
    brand_count: int = 0
    prices: Prices = Prices()
    cheapest: tuple[PricedProduct, ...] = ()
    dearest: tuple[PricedProduct, ...] = ()
    colours: Colours = Colours()
    index: IndexFacts = IndexFacts()


class ProductStatistics(Answer):
    """A product's colours beside those of what looks like it."""

    product: PricedProduct
    seen: bool = True
    own: Colours = Colours()
    matches: Colours = Colours()
    match_ids: tuple[str, ...] = ()
