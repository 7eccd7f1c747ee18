"""The page: a photo in, the products that look like it out. Start it with `streamlit run demo.py`."""

from collections.abc import Sequence

import streamlit as st

from Frontend import cards, views
from Frontend.answers import CatalogueCategory, CatalogueProduct
from Frontend.api_client import ApiClient
from Frontend.cropper import Photo, crop_box, open_photo
from Frontend.errors import PictureUnusable, ServiceError
from Frontend.search import locate, search
from Frontend.settings import Settings
from Frontend.texts import TEXTS, Language, Texts

MOST_RESULTS = 50
SAMPLES = 6
SAMPLE_DEPTH = 3
GOOD_STARTS = ("dress", "outerwear", "shirt", "shoes", "skirt", "bag")
CATALOGUE_KEPT_S = 60


def main() -> None:
    """Draw the page from top to bottom: its head, then either the invitation or the search."""
    settings = Settings()
    st.set_page_config(page_title="Similook", page_icon=views.ICON, layout="wide")
    language = views.masthead(settings)
    texts = TEXTS[language]
    if "client" not in st.session_state:
        st.session_state["client"] = ApiClient(settings)
    client: ApiClient = st.session_state["client"]
    photo: Photo | None = st.session_state.get("photo")
    if photo is None:
        invite(client, texts, settings)
    else:
        show_search(client, photo, texts, language, settings)


def invite(client: ApiClient, texts: Texts, settings: Settings) -> None:
    """Ask for a photo, or offer products of the catalogue to start with.

    An upload comes first: it goes on even when the service cannot say what products there are.
    """
    with st.container(key="invite"):
        left, right = st.columns([5, 6], gap="large")
    with left:
        views.hero(texts)
        uploaded = views.upload(texts, settings, st.session_state.setdefault("visit", 0))
        problem = st.container()
    try:
        if uploaded is not None:
            take(uploaded.id, uploaded.name, uploaded.data, settings)
    except PictureUnusable as error:
        with problem:
            views.problem(texts, settings, error)
    try:
        with right:
            sample = views.samples(texts, sample_products(client), settings)
        if sample is not None and sample.image_url is not None:
            take(f"sample-{sample.product_id}", f"{sample.product_id}.jpg", client.picture(sample.image_url), settings)
    except ServiceError as error:
        with problem:
            failed(texts, settings, error)
    except PictureUnusable as error:
        with problem:
            views.problem(texts, settings, error)


def take(upload_id: str, name: str, data: bytes, settings: Settings) -> None:
    """Open a photo and go on with it.

    Raises:
        PictureUnusable: it cannot be opened, or is larger than the settings allow.
    """
    if len(data) > settings.max_upload_mb * 1_000_000:
        raise PictureUnusable("too-large")
    photo = open_photo(upload_id, name, data, int(settings.max_megapixels * 1_000_000))
    views.forget_filters()
    st.session_state["photo"] = photo
    st.session_state["visit"] += 1
    st.session_state["crop_turn"] = 0
    st.session_state["limit"] = settings.page_results
    st.rerun()


def show_search(client: ApiClient, photo: Photo, texts: Texts, language: Language, settings: Settings) -> None:
    """Show the photo with its crop box, and beside it the products that look like what is inside."""
    with st.container(key="search"):
        left, right = st.columns([3, 8], gap="large")
    try:
        if st.session_state.get("start_of") != photo.id:
            with left, st.spinner(texts.seeing):
                st.session_state["categories"] = categories(client)
                st.session_state["start"], st.session_state["start_of"] = locate(client, photo), photo.id
    except ServiceError as error:
        with left:
            st.image(photo.preview)
            st.button(texts.new_photo, key="retake", on_click=forget_photo, icon=":material/add_photo_alternate:")
        with right:
            failed(texts, settings, error)
        return
    start = st.session_state["start"]
    st.html(cards.canvas_styles(photo.preview.width))

    with left:
        # Nothing that comes and goes may stand above the cropper: it would be mounted anew and lose its box.
        box = crop_box(photo, start.box, f"crop-{photo.id}-{st.session_state['crop_turn']}")
        st.caption(texts.crop_hint if start.found else texts.crop_not_found)
        with st.container(horizontal=True):
            st.button(texts.new_photo, key="retake", on_click=forget_photo, icon=":material/add_photo_alternate:")
            st.button(texts.crop_reset, key="crop-reset", on_click=reset_crop, type="tertiary")

    with right:
        head = st.empty()
        with st.container(key="toolbar", horizontal=True, horizontal_alignment="distribute"):
            filters = views.filters(texts, st.session_state["categories"])
            order = views.order(texts)
        shown = st.empty()
        if box is None:
            shown.html(cards.message("note", texts.crop_outside))
            return
        if filters.contradicts_itself:
            shown.html(cards.message("note", texts.error_filters))
            return
        shown.html(cards.skeleton(texts.seeing))
        try:
            found = search(client, photo, box, filters, st.session_state["limit"], st.session_state.get("search"))
        except ServiceError as error:
            with shown.container():
                failed(texts, settings, error)
            return
        st.session_state["search"] = found
        with head.container():
            views.results_head(texts, found.answer)
        with shown.container():
            if found.answer.similar_products:
                views.results(texts, language, found.answer, order, settings)
            else:
                narrowed = filters.count > 0
                views.nothing(texts, narrowed)
                if narrowed:
                    st.button(texts.filters_clear, key="nothing-clear", on_click=views.forget_filters)
                else:
                    st.button(texts.retry, key="retry", icon=":material/refresh:", on_click=forget_search)
        if len(found.answer.similar_products) == found.limit < MOST_RESULTS:
            st.button(texts.show_more, key="more", on_click=show_more)


def failed(texts: Texts, settings: Settings, error: ServiceError) -> None:
    """Say what went wrong and offer another try, which is a rerun."""
    views.problem(texts, settings, error)
    st.button(texts.retry, key="retry", icon=":material/refresh:")


@st.cache_data(ttl=CATALOGUE_KEPT_S, show_spinner=False)
def categories(_client: ApiClient) -> Sequence[CatalogueCategory]:
    """Return the catalogue's categories.

    Raises:
        ServiceError: the service did not answer; that is not kept.
    """
    return _client.categories()


@st.cache_data(ttl=CATALOGUE_KEPT_S, show_spinner=False)
def sample_products(_client: ApiClient) -> Sequence[CatalogueProduct]:
    """Return a few products with pictures of the service's own, each of another category, good starts first.

    Raises:
        ServiceError: the service did not answer; that is not kept.
    """
    slugs = [category.slug for category in _client.categories()]
    slugs.sort(key=lambda slug: GOOD_STARTS.index(slug) if slug in GOOD_STARTS else len(GOOD_STARTS))
    of_each = [_client.products(SAMPLE_DEPTH, slug) for slug in slugs[:SAMPLES]]
    seen = [[found for found in some if found.image_url and cards.is_own(found.image_url)] for some in of_each]
    return [some[-1] for some in seen if some]


def forget_search() -> None:
    """Ask again, although nothing was changed on the page."""
    st.session_state.pop("search", None)


def forget_photo() -> None:
    """Go back to the invitation."""
    for key in ("photo", "search", "start", "start_of", "limit"):
        st.session_state.pop(key, None)


def reset_crop() -> None:
    """Set the crop box back to where it started: a new key makes the widget forget where it was dragged."""
    st.session_state["crop_turn"] += 1


def show_more() -> None:
    """Ask for as many products as the service gives at once."""
    st.session_state["limit"] = MOST_RESULTS


if __name__ == "__main__":
    main()
