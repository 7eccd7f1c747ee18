"""When the photo travels, when the token does, and when nothing does."""

from decimal import Decimal

import pytest

from Frontend.answers import BoxFractions, SimilarProduct
from Frontend.api_client import ApiClient, Filters
from Frontend.cropper import MIDDLE, Box, open_photo, with_room
from Frontend.errors import ServiceUnavailable
from Frontend.search import in_order, locate, search
from tests.frontend.conftest import Service
from tests.frontend.standin import BOX, TOKEN, drawn, product

PHOTO = open_photo("upload-1", "a.jpg", drawn("red"), 1_000_000)
BOX_A, BOX_B = Box(10, 10, 100, 100), Box(20, 10, 100, 100)


def test_the_crop_starts_around_the_garment_or_in_the_middle(service: Service) -> None:
    client = ApiClient(service.settings)
    start = locate(client, PHOTO)
    assert start.found
    assert start.box == with_room(BoxFractions(**BOX), PHOTO)
    service.mood.garment = False
    start = locate(client, PHOTO)
    assert not start.found
    assert start.box == MIDDLE


def test_the_photo_travels_once_per_crop(service: Service) -> None:
    client, seen = ApiClient(service.settings), service.mood.seen
    first = search(client, PHOTO, BOX_A, Filters(), 10, None)
    assert search(client, PHOTO, BOX_A, Filters(), 10, first) is first
    filtered = search(client, PHOTO, BOX_A, Filters(("bag",)), 10, first)
    more = search(client, PHOTO, BOX_A, Filters(("bag",)), 50, filtered)
    search(client, PHOTO, BOX_B, Filters(("bag",)), 50, more)
    assert [sent.photo is not None for sent in seen] == [True, False, False, True]
    assert seen[1].fields == {"query_token": [TOKEN], "limit": ["10"], "category": ["bag"]}
    assert seen[3].fields["category"] == ["bag"]
    assert {product.category_slug for product in filtered.answer.similar_products} == {"bag"}
    assert filtered.answer.category == first.answer.category


def test_an_expired_token_sends_the_photo_again(service: Service) -> None:
    client = ApiClient(service.settings)
    first = search(client, PHOTO, BOX_A, Filters(), 10, None)
    service.mood.expired_tokens = True
    search(client, PHOTO, BOX_A, Filters(("bag",)), 10, first)
    assert [sent.photo is not None for sent in service.mood.seen] == [True, False, True]


def test_other_faults_are_not_swallowed(service: Service) -> None:
    client = ApiClient(service.settings)
    first = search(client, PHOTO, BOX_A, Filters(), 10, None)
    service.mood.problem = (500, "internal-error", "No.")
    with pytest.raises(ServiceUnavailable):
        search(client, PHOTO, BOX_A, Filters(("bag",)), 10, first)


def test_prices_in_other_currencies_are_not_compared() -> None:
    prices = [(30, "EUR"), (39000, "KRW"), (10, "EUR"), (None, "EUR"), (12000, "KRW"), (20, "EUR")]
    products = tuple(
        SimilarProduct.model_validate(product(number, "bag", final_price=price, currency=currency))
        for number, (price, currency) in enumerate(prices)
    )
    up, down = ([found.final_price for found in in_order(products, order)] for order in ("price_up", "price_down"))
    assert up == [10, 20, 30, 12000, 39000, None]
    assert down == [30, 20, 10, 39000, 12000, None]


def test_products_without_a_price_come_last_in_either_direction() -> None:
    prices = [Decimal(30), None, Decimal(10), Decimal(20), None]
    products = tuple(
        SimilarProduct.model_validate(product(number, "bag", final_price=price)) for number, price in enumerate(prices)
    )
    assert in_order(products, "similarity") == list(products)
    assert [found.final_price for found in in_order(products, "price_up")] == [10, 20, 30, None, None]
    assert [found.final_price for found in in_order(products, "price_down")] == [30, 20, 10, None, None]
