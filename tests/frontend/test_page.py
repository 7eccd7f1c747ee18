"""The page as Streamlit runs it, without a browser: what it shows and asks in each state. Drags are in tests/e2e."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from Frontend.texts import ENGLISH, KOREAN
from tests.frontend.conftest import Service
from tests.frontend.standin import drawn


@pytest.fixture
def page(service: Service, repository: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Return the page, run once, talking to the stand-in."""
    st.cache_data.clear()
    monkeypatch.setenv("SIMILOOK_API_URL", service.url)
    monkeypatch.setenv("SIMILOOK_API_RETRIES", "0")
    return AppTest.from_file(repository / "Frontend" / "demo.py", default_timeout=30).run()


def html(page: AppTest) -> str:
    """Return all HTML on the page."""
    return "".join(element.proto.body for element in page.get("html"))


def upload(page: AppTest, data: bytes | None = None) -> AppTest:
    """Hand the page a photo."""
    return page.file_uploader[0].upload("photo.jpg", data or drawn("red"), "image/jpeg").run()


def crop_key(page: AppTest) -> str:
    """Return the key of the crop box on the page."""
    return f"crop-{page.session_state['photo'].id}-{page.session_state['crop_turn']}"


def test_a_visitor_is_invited(page: AppTest) -> None:
    assert not page.exception
    assert ENGLISH.hero_title in html(page)
    assert [button.label for button in page.button] == ["Dress", "Shirt", "Skirt", "Bag", "Trousers", "Hat"]


def test_a_photo_brings_products(page: AppTest, service: Service) -> None:
    upload(page)
    assert not page.exception
    (sent,) = service.mood.seen
    assert sent.photo == drawn("red")
    # The stand-in's box on 400 x 500, and a tenth of its height around it.
    assert sent.fields["crop"] == ["70,70,260,360"]
    assert html(page).count('class="sl-card') == 12
    assert "Dress · 87% sure" in html(page)


def test_a_dragged_box_is_what_is_searched_and_a_new_photo_forgets_it(page: AppTest, service: Service) -> None:
    upload(page)
    page.session_state[crop_key(page)] = {"coords": {"left": -5, "top": 41.0, "width": 169, "height": 205.0}}
    page.run()
    assert service.mood.seen[-1].fields["crop"] == ["0,50,200,250"]  # a canvas of 328 x 410: 400 / 328 to scale
    page.button(key="retake").click().run()
    upload(page)
    assert service.mood.seen[-1].fields["crop"] == ["70,70,260,360"]


def test_a_box_off_the_photo_is_explained_and_not_searched(page: AppTest, service: Service) -> None:
    upload(page)
    page.session_state[crop_key(page)] = {"coords": {"left": 900, "top": 0, "width": 50, "height": 50}}
    page.run()
    assert ENGLISH.crop_outside in html(page)
    assert len(service.mood.seen) == 1
    page.button(key="crop-reset").click().run()
    assert ENGLISH.crop_outside not in html(page)


def test_filters_ask_by_token_and_can_be_cleared(page: AppTest, service: Service) -> None:
    upload(page)
    page.toggle(key="filter-in-stock").set_value(True).run()
    page.number_input(key="filter-max-price").set_value(40.0).run()
    sent = service.mood.seen[-1]
    assert sent.photo is None
    assert sent.fields["in_stock"] == ["true"]
    assert sent.fields["max_price"] == ["40"]
    assert html(page).count('class="sl-card') < 12
    page.button(key="filters-clear").click().run()
    assert service.mood.seen[-1].fields.keys() == {"query_token", "limit"}
    assert html(page).count('class="sl-card') == 12


@pytest.mark.parametrize(("typed", "sent"), [(1_234_567.0, "1234567"), (59.9, "59.9"), (0.0, "0")])
def test_a_price_is_asked_for_as_it_was_typed(page: AppTest, service: Service, typed: float, sent: str) -> None:
    upload(page)
    page.number_input(key="filter-max-price").set_value(typed).run()
    assert service.mood.seen[-1].fields["max_price"] == [sent]


def test_prices_that_cross_are_explained(page: AppTest, service: Service) -> None:
    upload(page)
    page.number_input(key="filter-min-price").set_value(50.0)
    page.number_input(key="filter-max-price").set_value(40.0).run()
    assert ENGLISH.error_filters in html(page)
    assert len(service.mood.seen) == 1


def test_sorting_asks_nothing(page: AppTest, service: Service) -> None:
    upload(page)
    page.selectbox(key="order").set_value("price_up").run()
    assert len(service.mood.seen) == 1
    shown = html(page)
    assert shown.index("Dress number 0") < shown.index("Shirt number 1")
    cheapest = min(service.mood.products, key=lambda found: float(str(found["final_price"])))
    assert shown.index("sl-name") < shown.index(str(cheapest["name"])) < shown.index("Pants number 2")


def test_korean_throughout(page: AppTest) -> None:
    page.button_group(key="language").set_value("ko").run()
    assert KOREAN.hero_title in html(page)
    assert [button.label for button in page.button] == ["원피스", "셔츠", "스커트", "가방", "바지", "모자"]
    upload(page)
    assert "원피스 · 확률 87%" in html(page)
    assert ENGLISH.results_title not in html(page)


def test_not_sure_and_no_garment_are_answers(page: AppTest, service: Service) -> None:
    service.mood.certain = service.mood.garment = False
    upload(page)
    assert ENGLISH.category_not_sure in html(page)
    assert ENGLISH.no_garment in html(page)
    assert [caption.value for caption in page.caption] == [ENGLISH.crop_not_found]
    assert html(page).count('class="sl-card') == 12


def test_filters_that_leave_nothing_can_be_taken_away(page: AppTest, service: Service) -> None:
    upload(page)
    page.number_input(key="filter-max-price").set_value(1.0).run()
    assert ENGLISH.results_none in html(page)
    page.button(key="nothing-clear").click().run()
    assert html(page).count('class="sl-card') == 12


def test_an_empty_catalogue_is_told_and_asked_again(page: AppTest, service: Service) -> None:
    products, service.mood.products = service.mood.products, []
    upload(page)
    assert ENGLISH.results_empty in html(page)
    assert ENGLISH.results_none not in html(page)
    service.mood.products = products
    page.button(key="retry").click().run()
    assert html(page).count('class="sl-card') == 12


def test_products_that_are_merely_the_nearest_are_called_that(page: AppTest, service: Service) -> None:
    for found in service.mood.products:
        found["band"] = "inspired"
    upload(page)
    assert ENGLISH.results_far in html(page)
    assert html(page).count('class="sl-card') == 12
    service.mood.products[3]["band"] = "similar"
    page.toggle(key="filter-in-stock").set_value(True).run()
    assert ENGLISH.results_far not in html(page)


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        ((503, "not-ready", "Starting."), ENGLISH.error_down),
        ((429, "queue-full", "Busy."), ENGLISH.error_busy.format(seconds=7)),
        ((415, "not-an-image", "No."), ENGLISH.error_not_a_picture),
        ((422, "image-truncated", "No."), ENGLISH.error_cut_off),
        ((401, "key-missing", "Send a key."), ENGLISH.error_refused.format(detail="Send a key.")),
    ],
)
def test_faults_are_explained_and_can_be_tried_again(
    page: AppTest, service: Service, problem: tuple[int, str, str], sentence: str
) -> None:
    service.mood.problem = problem
    upload(page)
    assert not page.exception
    assert sentence in html(page)
    service.mood.problem = None
    page.button(key="retry").click().run()
    assert html(page).count('class="sl-card') == 12


def test_a_fault_after_the_first_answer_keeps_the_photo(page: AppTest, service: Service) -> None:
    upload(page)
    service.mood.problem = (500, "internal-error", "No.")
    page.toggle(key="filter-in-stock").set_value(True).run()
    assert ENGLISH.error_down in html(page)
    service.mood.problem = None
    page.button(key="retry").click().run()
    assert 0 < html(page).count('class="sl-card') < 12


@pytest.mark.parametrize(
    ("data", "sentence"), [(b"not a picture", ENGLISH.error_not_a_picture), (drawn("red")[:900], ENGLISH.error_cut_off)]
)
def test_an_unusable_photo_is_explained_and_another_can_be_chosen(page: AppTest, data: bytes, sentence: str) -> None:
    upload(page, data)
    assert sentence in html(page)
    upload(page)
    assert html(page).count('class="sl-card') == 12


def test_a_sample_starts_a_search(page: AppTest, service: Service) -> None:
    page.button(key="sample-1").click().run()
    (sent,) = service.mood.seen
    assert sent.photo == drawn("#5b7c99")  # the picture of the shirt


def test_only_pictures_that_the_service_keeps_are_offered(page: AppTest, service: Service) -> None:
    service.mood.products[0]["image_url"] = "https://shop.example/dress.jpg"  # not fetched yet
    del service.mood.products[6]  # the other dress
    st.cache_data.clear()
    page.run()
    assert [button.label for button in page.button] == ["Shirt", "Skirt", "Bag", "Trousers", "Hat"]


def test_catalogue_text_is_shown_as_text(page: AppTest, service: Service) -> None:
    service.mood.products[0]["name"] = "<script>alert(1)</script>"
    upload(page)
    assert "<script" not in html(page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html(page)


def test_a_service_that_is_down_still_leaves_a_page(page: AppTest) -> None:
    st.cache_data.clear()
    client = page.session_state["client"]
    there, client._base = client._base, "http://127.0.0.1:9"
    page.run()
    assert not page.exception
    assert ENGLISH.hero_title in html(page)
    assert ENGLISH.error_down in html(page)
    # A photo that is handed over meanwhile is kept, and searched with once the service is back.
    upload(page)
    assert ENGLISH.error_down in html(page)
    client._base = there
    page.button(key="retry").click().run()
    assert html(page).count('class="sl-card') == 12
