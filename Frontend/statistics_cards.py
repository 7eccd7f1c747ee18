"""The HTML of the page of statistics. Every word that comes from a catalogue passes through `html.escape` here."""

from collections.abc import Sequence
from html import escape

from Frontend import cards, formats
from Frontend.answers_statistics import IndexFacts, PricedProduct, Statistics
from Frontend.settings import Settings
from Frontend.texts import Language, Texts
from Frontend.texts_statistics import StatisticsTexts


def head(texts: StatisticsTexts) -> str:
    """Return the page's title and what it is about."""
    return f'<div class="sl-stats-head"><h1>{escape(texts.title)}</h1><p>{escape(texts.intro)}</p></div>'


def figures(texts: StatisticsTexts, found: Statistics) -> str:
    """Return the catalogue's main numbers."""
    to_do = found.pending + found.failed
    numbers = (
        (f"{found.products:,}", texts.products, ""),
        (f"{found.coverage_rate:g}%", texts.searchable, ""),
        (f"{found.pictures:,}", texts.pictures, ""),
        (f"{found.features:,}", texts.looked_at, ""),
        (f"{to_do:,}", texts.to_do, texts.to_do_hint),
    )
    return _terms("sl-figures", numbers)


def index(texts: StatisticsTexts, facts: IndexFacts) -> str:
    """Return what searching works on."""
    if facts.generation is None and not facts.vectors:
        return cards.message("note", texts.index_none)
    recall = texts.index_recall_none if facts.recall is None else f"{facts.recall:.4f}"
    numbers = (
        (facts.kind, texts.index_kind, ""),
        (f"{facts.vectors:,}", texts.index_vectors, ""),
        (f"{facts.new_vectors:,}", texts.index_new, ""),
        (f"{facts.dimension}", texts.index_dimension, ""),
        (recall, texts.index_recall, ""),
        (f"{facts.memory_bytes / 1e6:.1f} MB", texts.index_memory, ""),
    )
    return _terms("sl-figures sl-facts", numbers)


def section(title: str, hint: str = "") -> str:
    """Return the title of a part of the page."""
    more = f"<p>{escape(hint)}</p>" if hint else ""
    return f'<div class="sl-section"><h2>{escape(title)}</h2>{more}</div>'


def price_list(
    title: str,
    products: Sequence[PricedProduct],
    words: tuple[Texts, StatisticsTexts],
    language: Language,
    settings: Settings,
) -> str:
    """Return products with their prices, in their order."""
    if not products:
        return section(title, words[1].prices_none)
    rows = "".join(f"<li>{_row(product, words[0], language, settings)}</li>" for product in products)
    return f'{section(title)}<ol class="sl-price-list">{rows}</ol>'


def _row(product: PricedProduct, texts: Texts, language: Language, settings: Settings) -> str:
    url = cards.picture_url(product.image_url, settings.api_url, settings.browser_api_url)
    picture = f'<img src="{escape(cards.small(url, 160))}" alt="" loading="lazy">' if url else "<i></i>"
    amount, currency = product.final_price, product.currency
    price = "" if amount is None or currency is None else formats.price(amount, currency, language)
    link = cards.web_url(product.product_url)
    brand = f"<small>{escape(product.brand)}</small>" if product.brand else ""
    inside = f"{picture}<span>{escape(product.name)}{brand}</span><b>{escape(price)}</b>"
    if link is None:
        return f"<div>{inside}</div>"
    return (
        f'<a href="{escape(link)}" target="_blank" rel="noopener noreferrer">{inside}'
        f'<span class="sl-hidden"> ({escape(texts.opens_new_tab)})</span></a>'
    )


def _terms(classes: str, numbers: Sequence[tuple[str, str, str]]) -> str:
    items = "".join(
        f'<div title="{escape(hint)}"><dt>{escape(name)}</dt><dd>{escape(number)}</dd></div>'
        for number, name, hint in numbers
    )
    return f'<dl class="{classes}">{items}</dl>'
