"""The parts of the page, each a function that draws one of them and returns what the person chose there."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from pathlib import Path

import streamlit as st

from Frontend import cards, formats
from Frontend.answers import CatalogueCategory, CatalogueProduct, Category, SimilarProducts
from Frontend.api_client import Filters
from Frontend.errors import (
    FrontendError,
    PictureRefused,
    PictureUnusable,
    RequestRefused,
    ServiceBusy,
    ServiceUnavailable,
)
from Frontend.search import in_order
from Frontend.settings import Settings
from Frontend.texts import LANGUAGE_NAMES, LANGUAGES, TEXTS, Language, Texts, choose_language

STYLESHEET = Path(__file__).parent / "static" / "page.css"
ICON = STYLESHEET.with_name("icon.png")
# What the service reads; jfif is how some browsers save a JPEG.
UPLOAD_TYPES = ["jpg", "jpeg", "jfif", "png", "webp", "heic", "heif", "avif", "gif"]
HIGHEST_PRICE = 999_999_999_999.0
FILTER_KEYS = ("filter-category", "filter-gender", "filter-min-price", "filter-max-price", "filter-in-stock")


@dataclass(frozen=True)
class Upload:
    """A file that a person handed over.

    Attributes:
        id: New for every upload.
    """

    id: str
    name: str
    data: bytes


def masthead(settings: Settings) -> Language:
    """Draw the page's head and return the language that is chosen there."""
    st.html(STYLESHEET)
    start = choose_language(settings.language, st.context.locale, st.query_params.get("language"))
    with st.container(key="masthead", horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        words = st.empty()
        chosen = st.segmented_control(
            "Language · 언어",
            LANGUAGES,
            default=start,
            required=True,
            format_func=LANGUAGE_NAMES.__getitem__,
            key="language",
            label_visibility="collapsed",
            on_change=_keep_language,
        )
    language: Language = chosen or start
    words.html(cards.masthead(TEXTS[language], language))
    return language


def hero(texts: Texts) -> None:
    """Draw the sentence that a visitor is met with."""
    st.html(cards.hero(texts))


def upload(texts: Texts, settings: Settings, visit: int) -> Upload | None:
    """Draw the ways to hand over a photo, and return it once there is one.

    Args:
        visit: Number of photos so far: makes the widgets forget the last one.
    """
    st.html(cards.upload_styles(texts))
    with st.container(key="upload"):
        source = st.segmented_control(
            texts.source,
            ["upload", "camera"],
            default="upload",
            required=True,
            format_func={"upload": texts.source_upload, "camera": texts.source_camera}.__getitem__,
            key="source",
            label_visibility="collapsed",
        )
        if source == "camera":
            taken = st.camera_input(texts.camera, key=f"camera-{visit}")
        else:
            taken = st.file_uploader(
                texts.upload,
                UPLOAD_TYPES,
                key=f"upload-{visit}",
                label_visibility="collapsed",
                max_upload_size=max(1, int(settings.max_upload_mb)),
            )
        st.caption(texts.upload_help.format(megabytes=settings.max_upload_mb))
    return Upload(taken.file_id, taken.name, taken.getvalue()) if taken is not None else None


def samples(texts: Texts, products: Sequence[CatalogueProduct], settings: Settings) -> CatalogueProduct | None:
    """Draw products of the catalogue to start with, and return the one that was clicked."""
    if not products:
        return None
    pictures = [
        cards.picture_url(product.image_url, settings.api_url, settings.browser_api_url) or "" for product in products
    ]
    st.html(cards.sample_styles(pictures))
    with st.container(key="samples"):
        st.html(f'<h2 class="sl-samples-title">{escape(texts.samples_title)}</h2>')
        with st.container(key="samples-grid", horizontal=True):
            clicked = [
                st.button(category_name(product.category_slug, product.category, texts), key=f"sample-{index}")
                for index, product in enumerate(products)
            ]
    return next((product for product, hit in zip(products, clicked, strict=True) if hit), None)


def filters(texts: Texts, categories: Sequence[CatalogueCategory]) -> Filters:
    """Draw the filters and return what is chosen.

    Args:
        categories: Those on offer.
    """
    names = {category.slug: category.name for category in categories}
    for slug in st.session_state.get("filter-category", []):  # stays on offer while it is chosen
        names.setdefault(slug, slug)
    count = _chosen_filters().count
    label = texts.filters_set.format(count=count) if count else texts.filters
    # The label is part of a popover's identity: a fixed key keeps it open while its own widgets change the count.
    with st.popover(label, icon=":material/tune:", key="filters"):
        st.pills(
            texts.filter_category,
            list(names),
            selection_mode="multi",
            format_func=lambda slug: category_name(slug, names.get(slug), texts),
            key="filter-category",
        )
        st.pills(
            texts.filter_gender,
            ["women", "men"],
            format_func={"women": texts.gender_women, "men": texts.gender_men}.__getitem__,
            key="filter-gender",
        )
        with st.container(horizontal=True, key="filter-prices"):
            for label, key in (
                (texts.filter_min_price, "filter-min-price"),
                (texts.filter_max_price, "filter-max-price"),
            ):
                st.number_input(
                    label, min_value=0.0, max_value=HIGHEST_PRICE, value=None, step=1.0, format="%g", key=key
                )
        st.toggle(texts.filter_in_stock, key="filter-in-stock")
        st.button(texts.filters_clear, key="filters-clear", type="tertiary", on_click=forget_filters)
    return _chosen_filters()


def order(texts: Texts) -> str:
    """Draw the choice of order and return it: `similarity`, `price_up` or `price_down`."""
    names = {
        "similarity": texts.sort_similarity,
        "price_up": texts.sort_price_up,
        "price_down": texts.sort_price_down,
    }
    return (
        st.selectbox(texts.sort, list(names), format_func=names.__getitem__, key="order", label_visibility="collapsed")
        or "similarity"
    )


def forget_filters() -> None:
    """Set every filter back to what narrows nothing."""
    for key in FILTER_KEYS:
        st.session_state.pop(key, None)


def results_head(texts: Texts, answer: SimilarProducts) -> None:
    """Draw the line above the results: what the garment is taken for, and how many products are shown."""
    seen = seen_as(texts, answer.category)
    count = texts.results_count.format(count=len(answer.similar_products))
    st.html(cards.results_head(texts.results_title, seen, count))
    if not answer.garment_found:
        st.html(cards.message("note", texts.no_garment))
    elif answer.nothing_close:
        st.html(cards.message("note", texts.results_far))


def results(texts: Texts, language: Language, answer: SimilarProducts, chosen_order: str, settings: Settings) -> None:
    """Draw the products."""
    products = in_order(answer.similar_products, chosen_order)
    st.html(cards.grid(products, texts, language, settings.api_url, settings.browser_api_url))


def nothing(texts: Texts, narrowed: bool) -> None:
    """Say why there are no products.

    Args:
        narrowed: Whether filters are set; without any, a catalogue with products would have brought some.
    """
    title = texts.results_none if narrowed else texts.results_empty
    st.html(cards.message("empty", title, texts.results_none_hint if narrowed else texts.results_empty_hint))


def seen_as(texts: Texts, category: Category | None) -> str:
    """Return what the garment is taken for and how surely, or that it is not sure."""
    if category is None:
        return texts.category_not_sure
    name = category_name(category.slug, category.name, texts)
    return texts.category_sure.format(name=name, percent=formats.percent(category.probability))


def category_name(slug: str | None, name: str | None, texts: Texts) -> str:
    """Return a category's name in the page's language where it is one of the default ones, else the shop's own."""
    return texts.categories.get(slug or "") or name or slug or ""


def problem(texts: Texts, settings: Settings, error: FrontendError) -> None:
    """Say what went wrong, in a sentence that helps."""
    st.html(cards.message("error", explain(texts, settings, error)))


def explain(texts: Texts, settings: Settings, error: FrontendError) -> str:
    """Return the sentence for an error."""
    too_large = texts.error_too_large.format(megabytes=settings.max_upload_mb, megapixels=settings.max_megapixels)
    if isinstance(error, PictureUnusable):
        return {
            "too-large": too_large,
            "cut-off": texts.error_cut_off,
            "not-a-picture": texts.error_not_a_picture,
        }.get(str(error), texts.error_picture)
    if isinstance(error, PictureRefused):
        return {
            "not-an-image": texts.error_not_a_picture,
            "image-truncated": texts.error_cut_off,
            "image-too-large": too_large,
            "upload-too-large": too_large,
            "crop-invalid": texts.crop_outside,
        }.get(error.kind, texts.error_picture)
    if isinstance(error, ServiceBusy):
        return texts.error_busy.format(seconds=round(error.retry_after_s))
    if isinstance(error, ServiceUnavailable):
        return texts.error_down
    if isinstance(error, RequestRefused):
        return texts.error_refused.format(detail=error.detail or error.status)
    return texts.error_unexpected


def _keep_language() -> None:
    """Put the chosen language into the page's address, so that a reload and a shared link keep it."""
    st.query_params["language"] = st.session_state["language"]


def _chosen_filters() -> Filters:
    """Return the filters as the widgets have them now."""
    state = st.session_state
    low, high = (state.get(key) for key in ("filter-min-price", "filter-max-price"))
    return Filters(
        categories=tuple(sorted(state.get("filter-category") or ())),
        gender=state.get("filter-gender"),
        min_price=_amount(low),
        max_price=_amount(high),
        in_stock=bool(state.get("filter-in-stock")),
    )


def _amount(entered: float | None) -> Decimal | None:
    """Return a price as it was typed: 1234567.0 is 1234567, and 59.9 is 59.9."""
    if entered is None:
        return None
    return Decimal(int(entered)) if entered.is_integer() else Decimal(repr(entered))
