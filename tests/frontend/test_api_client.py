"""What the page sends, and which error each refusal becomes: against a real server."""

import socket
from dataclasses import replace
from decimal import Decimal

import pytest

from Frontend.api_client import ApiClient, Filters
from Frontend.errors import (
    FrontendError,
    PictureRefused,
    QueryExpired,
    RequestRefused,
    ServiceBusy,
    ServiceUnavailable,
    UnexpectedAnswer,
)
from Frontend.settings import Settings
from tests.frontend.conftest import Service
from tests.frontend.standin import drawn

EVERYTHING = Filters(("bag", "dress"), "women", Decimal("10.5"), Decimal(60), in_stock=True)


def test_the_photo_travels_whole_with_its_crop_beside_it(service: Service) -> None:
    photo = drawn("red")
    ApiClient(service.settings).similar_by_photo("straße.jpg", photo, (1, 2, 30, 40), EVERYTHING, 24)
    (sent,) = service.mood.seen
    assert sent.photo == photo
    assert sent.fields == {
        "crop": ["1,2,30,40"],
        "crop_unit": ["px"],
        "limit": ["24"],
        "category": ["bag", "dress"],
        "gender": ["women"],
        "min_price": ["10.5"],
        "max_price": ["60"],
        "in_stock": ["true"],
    }


def test_a_token_travels_without_a_photo(service: Service) -> None:
    ApiClient(service.settings).similar_by_token("abc", Filters(), 10)
    (sent,) = service.mood.seen
    assert sent.photo is None
    assert sent.fields == {"query_token": ["abc"], "limit": ["10"]}


def test_prices_are_read_as_they_were_written(service: Service) -> None:
    service.mood.products = [service.mood.products[0] | {"price": 59.1, "final_price": 0.1 + 0.2}]
    (product,) = ApiClient(service.settings).similar_by_token("abc", Filters(), 10).similar_products
    assert product.price == Decimal("59.1")
    assert product.final_price == Decimal("0.30000000000000004")


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (415, "not-an-image", PictureRefused),
        (422, "image-truncated", PictureRefused),
        (422, "crop-invalid", PictureRefused),
        (413, "upload-too-large", PictureRefused),
        (400, "token-invalid", QueryExpired),
        (409, "token-stale", QueryExpired),
        (422, "filter-invalid", RequestRefused),
        (429, "queue-full", ServiceBusy),
        (503, "wait-too-long", ServiceBusy),
        (503, "not-ready", ServiceUnavailable),
        (500, "internal-error", ServiceUnavailable),
    ],
)
def test_each_problem_is_an_error_of_its_own(
    service: Service, status: int, kind: str, error: type[FrontendError]
) -> None:
    service.mood.problem = (status, kind, "A sentence.")
    with pytest.raises(error) as raised:
        ApiClient(service.settings).similar_by_token("abc", Filters(), 10)
    assert type(raised.value) is error
    assert str(raised.value) == "A sentence."
    if isinstance(raised.value, ServiceBusy):
        assert raised.value.retry_after_s == 7


def test_a_busy_service_is_tried_again(service: Service) -> None:
    service.mood.problem = (503, "not-ready", "Starting.")
    patient = service.settings.model_copy(update={"api_retries": 1})
    with pytest.raises(ServiceUnavailable):
        ApiClient(patient).similar_by_token("abc", Filters(), 10)
    assert len(service.mood.seen) == 2


def test_nobody_listening_is_said_so() -> None:
    with socket.socket() as bound:  # taken, and never listened on
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(ServiceUnavailable, match="cannot be reached"):
            ApiClient(Settings(api_url=url, api_retries=1)).products(1)


def test_a_service_that_takes_too_long_is_given_up() -> None:
    with socket.socket() as listening:  # takes the connection, and never answers
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(ServiceUnavailable):
            ApiClient(Settings(api_url=url, api_timeout_s=0.2)).garment_box("a.jpg", drawn("red"))
        listening.setblocking(False)
        listening.accept()[0].close()
        with pytest.raises(BlockingIOError):  # it was not asked twice: the second wait would be as long
            listening.accept()


def test_an_answer_of_another_shape_is_said_so(service: Service) -> None:
    service.mood.products = [{"product_id": "only-an-id", "category_slug": "bag"}]
    with pytest.raises(UnexpectedAnswer):
        ApiClient(service.settings).similar_by_token("abc", Filters(), 10)


def test_pictures_come_from_the_service_and_nowhere_else(service: Service) -> None:
    client = ApiClient(service.settings)
    own = client.picture("/api/images/dress")
    assert client.picture("http://198.51.100.7/api/images/dress") == own
    # Browsers may reach the service under a path of the shop's site.
    assert client.picture("https://shop.example/similook/api/images/dress") == own


def test_filters_count_what_narrows() -> None:
    assert Filters().count == 0
    assert EVERYTHING.count == 4
    assert Filters(max_price=Decimal(3)).count == 1
    assert replace(EVERYTHING, max_price=Decimal(10)).contradicts_itself
    assert not EVERYTHING.contradicts_itself
