"""The second page: the catalogue at a glance, and one product's colours beside those of its matches."""

from collections.abc import Sequence

import streamlit as st

from Frontend import cards, charts, formats, statistics_cards, views
from Frontend.answers import CatalogueProduct
from Frontend.answers_statistics import Colours, Prices, Statistics
from Frontend.api_client import ApiClient
from Frontend.errors import RequestRefused, ServiceError
from Frontend.settings import Settings
from Frontend.texts import TEXTS, Language, Texts
from Frontend.texts_statistics import STATISTICS_TEXTS, StatisticsTexts, colour_name

KEPT_S = 60
ON_OFFER = 100
BARS = 14
MATCHES_NAMED = 40


def main() -> None:
    """Draw the page from top to bottom."""
    settings = Settings()
    st.set_page_config(page_title="Similook", page_icon=views.ICON, layout="wide")
    language = views.masthead(settings)
    texts, words = TEXTS[language], STATISTICS_TEXTS[language]
    if "client" not in st.session_state:
        st.session_state["client"] = ApiClient(settings)
    client: ApiClient = st.session_state["client"]
    st.html(statistics_cards.head(words))
    try:
        found = statistics(client)
    except ServiceError as error:
        views.problem(texts, settings, error)
        st.button(texts.retry, key="retry", icon=":material/refresh:")
        return
    st.html(statistics_cards.figures(words, found))
    offer(found, texts, words, language)
    colours(found.colours, words, language)
    left, right = st.columns(2, gap="large")
    for column, title, products in (
        (left, words.cheapest, found.cheapest),
        (right, words.dearest, found.dearest),
    ):
        column.html(statistics_cards.price_list(title, products, (texts, words), language, settings))
    comparison(client, texts, words, language, settings)
    st.html(statistics_cards.section(words.index) + statistics_cards.index(words, found.index))


def offer(found: Statistics, texts: Texts, words: StatisticsTexts, language: Language) -> None:
    """Draw counts by category, brand and price."""
    left, middle, right = st.columns([3, 3, 4], gap="large")
    with left:
        st.html(statistics_cards.section(words.categories))
        rows = [(views.category_name(each.slug, each.name, texts), each.count) for each in found.categories[:BARS]]
        draw(charts.bars(rows, words.products_axis), rows)
    with middle:
        hidden = words.brands_shown.format(shown=BARS, count=found.brand_count) if found.brand_count > BARS else ""
        st.html(statistics_cards.section(words.brands, hidden))
        rows = [(each.name, each.count) for each in found.brands[:BARS]]
        draw(charts.bars(rows, words.products_axis), rows)
    with right:
        prices(found.prices, words, language)


def prices(found: Prices, words: StatisticsTexts, language: Language) -> None:
    """Draw the histogram of prices."""
    if found.median is None or found.currency is None or not found.bins:
        st.html(statistics_cards.section(words.prices, words.prices_none))
        return
    median = words.prices_median.format(price=formats.price(found.median, found.currency, language))
    st.html(statistics_cards.section(words.prices, median))
    width = (found.bins[0].high or found.bins[0].low) - found.bins[0].low
    bins = [(float(each.low), float(each.high or each.low + width), each.count) for each in found.bins]
    title = f"{words.price_from}, {found.currency}"
    draw(charts.prices(bins, title, words.products_axis, found.bins[-1].high is None), bins)


def colours(found: Colours, words: StatisticsTexts, language: Language) -> None:
    """Draw the colours of the whole catalogue."""
    if not found.pictures:
        st.html(statistics_cards.section(words.colours, words.colours_none))
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.html(statistics_cards.section(words.colours, words.colours_hint.format(count=f"{found.pictures:,}")))
        draw_names(found, words, language)
    with right:
        st.html(statistics_cards.section(words.rgb, words.rgb_hint))
        names = (words.red, words.green, words.blue)
        draw(charts.channels(found, names, words.level, words.share), found.red)


def comparison(client: ApiClient, texts: Texts, words: StatisticsTexts, language: Language, settings: Settings) -> None:
    """Let a person choose a product, and draw its colours beside those of its matches."""
    st.html(statistics_cards.section(words.compare, words.compare_hint))
    try:
        on_offer = {product.product_id: product.name for product in some_products(client)}
    except ServiceError as error:
        views.problem(texts, settings, error)
        return
    chosen = st.selectbox(
        words.compare_id,
        list(on_offer),
        format_func=lambda product_id: f"{on_offer.get(product_id, '')} · {product_id}".lstrip(" ·"),
        accept_new_options=True,
        placeholder=words.compare_placeholder,
        key="compare",
        label_visibility="collapsed",
    )
    if not chosen:
        return
    try:
        found = client.product_statistics(chosen)
    except RequestRefused as error:
        st.html(cards.message("note", words.compare_unknown if error.status == 404 else str(error)))
        return
    except ServiceError as error:
        views.problem(texts, settings, error)
        return
    if not found.seen:
        st.html(cards.message("note", words.compare_unseen))
        return
    name = found.product.name[:MATCHES_NAMED]
    titles = (words.compare_own.format(name=name), words.compare_matches.format(count=len(found.match_ids)))
    columns = st.columns([3, 3, 4], gap="large")
    for column, title, spread in zip(columns, titles, (found.own, found.matches), strict=False):
        with column:
            st.html(statistics_cards.section(title))
            draw_names(spread, words, language)
    with columns[2]:
        st.html(statistics_cards.section(words.rgb))
        names = (words.red, words.green, words.blue)
        for plot in charts.channels_against(found.own, found.matches, titles, names, words.level):
            draw(plot, found.own.red)


def draw_names(found: Colours, words: StatisticsTexts, language: Language) -> None:
    """Draw the shares of named colours, each in its own colour."""
    named = found.colours[:BARS]
    rows = [(colour_name(each.name, language), each.share) for each in named]
    draw(charts.bars(rows, words.share, [each.hex for each in named], percent=True), rows)


def draw(chart: charts.Plot, rows: Sequence[object]) -> None:
    """Draw a plot unless there is nothing in it."""
    if rows:
        st.altair_chart(chart, theme=None)


@st.cache_data(ttl=KEPT_S, show_spinner=False)
def statistics(_client: ApiClient) -> Statistics:
    """Return the catalogue at a glance.

    Raises:
        ServiceError: the service did not answer; that is not kept.
    """
    return _client.statistics()


@st.cache_data(ttl=KEPT_S, show_spinner=False)
def some_products(_client: ApiClient) -> Sequence[CatalogueProduct]:
    """Return products to choose from; any other can be typed.

    Raises:
        ServiceError: the service did not answer; that is not kept.
    """
    return _client.products(ON_OFFER)


if __name__ == "__main__":
    main()
