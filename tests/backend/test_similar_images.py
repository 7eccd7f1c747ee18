"""The main job over HTTP: a photo in, its products out; filters by query_token; what cannot be answered says why."""

import io

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from Backend.schemas import SimilarAnswer
from Backend.services import query_tokens
from Backend.tokens import TokenFacts
from tests.backend.conftest import PER_CLASS, DrawnPhoto

URL = "/api/recommendations/similar-images"


def search(client: TestClient, data: bytes, **fields: object) -> SimilarAnswer:
    answer = client.post(URL, files={"file": ("photo.jpg", data)}, data=fields)
    assert answer.status_code == 200, answer.text
    return SimilarAnswer.model_validate_json(answer.content)


def test_a_products_own_picture_finds_it_first(client: TestClient, photos: list[DrawnPhoto]) -> None:
    for photo in photos[::7]:
        answer = search(client, photo.data)
        first = answer.similar_products[0]
        assert first.product_id == photo.product_id
        assert first.distance == pytest.approx(0, abs=5e-3)
        assert answer.total_count == len(answer.similar_products) == 10


def test_results_fall_in_similarity_and_their_figures_agree(client: TestClient, photos: list[DrawnPhoto]) -> None:
    products = search(client, photos[0].data, limit=50).similar_products
    assert len(products) == len(photos)
    scores = [product.similarity_score for product in products]
    assert scores == sorted(scores, reverse=True)
    for product in products:
        assert product.similarity_score == pytest.approx(1 / (1 + product.distance), abs=1e-5)


def test_a_token_repeats_the_search_without_the_photo(client: TestClient, photos: list[DrawnPhoto]) -> None:
    first = search(client, photos[3].data)
    again = client.post(URL, data={"query_token": first.query_token})
    assert again.status_code == 200
    repeated = SimilarAnswer.model_validate_json(again.content)
    assert [p.product_id for p in repeated.similar_products] == [p.product_id for p in first.similar_products]
    assert (repeated.category, repeated.garment_found) == (first.category, first.garment_found)
    assert client.post(f"{URL}/", data={"query_token": first.query_token}).json() == again.json()
    # A token of a token is the same query still.
    assert repeated.query_token == first.query_token


def test_filters_by_token(client: TestClient, photos: list[DrawnPhoto]) -> None:
    token = search(client, photos[0].data).query_token

    def filtered(**fields: object) -> list[dict[str, object]]:
        answer = client.post(URL, data={"query_token": token, "limit": "50", **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()["similar_products"]

    dresses = filtered(category=["dress", "skirt"])
    assert {row["category_slug"] for row in dresses} == {"dress", "skirt"}
    assert len(dresses) == 2 * PER_CLASS
    every = filtered()
    prices = sorted(row["final_price"] for row in every)
    middle = prices[len(prices) // 2]
    cheap = filtered(max_price=str(middle))
    assert cheap
    assert all(row["final_price"] <= middle for row in cheap)
    stocked = filtered(in_stock="true")
    assert all(row["in_stock"] for row in stocked)
    assert filtered(brand="No Such Brand") == []
    assert filtered(min_price="999999999") == []


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_nothing_outside_of_a_crop_is_searched_for(client: TestClient, photos: list[DrawnPhoto]) -> None:
    """Two garments side by side: each half, as a crop, is answered like a picture of that half alone.

    But for the little room around a crop, which is looked at as well.
    """
    halves = [Image.open(io.BytesIO(photo.data)).convert("RGB") for photo in (photos[0], photos[-1])]
    width, height = halves[0].size
    both = Image.new("RGB", (2 * width, height), "white")
    for position, half in enumerate(halves):
        both.paste(half, (position * width, 0))
    for position, half in enumerate(halves):
        alone = search(client, png(half))
        by_fraction = search(client, png(both), crop=f"{position / 2},0,0.5,1")
        by_pixels = search(client, png(both), crop=f"{position * width},0,{width},{height}", crop_unit="px")
        assert by_fraction.similar_products == by_pixels.similar_products
        assert by_fraction.category.slug == alone.category.slug
        best, again = alone.similar_products[0], by_fraction.similar_products[0]
        assert again.product_id == best.product_id
        assert again.similarity_score == pytest.approx(best.similarity_score, abs=0.05)


def test_picture_addresses_can_be_fetched(client: TestClient, photos: list[DrawnPhoto]) -> None:
    product = search(client, photos[5].data).similar_products[0]
    assert product.image_url is not None
    answer = client.get(product.image_url)
    assert answer.status_code == 200
    assert answer.content == photos[5].data


def problem(client: TestClient, **request: object) -> dict[str, object]:
    answer = client.post(URL, **request)  # type: ignore[arg-type]
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["detail"].endswith(".")
    return body


def test_neither_or_both_of_photo_and_token(client: TestClient, photos: list[DrawnPhoto]) -> None:
    assert problem(client, data={"limit": "5"})["type"] == "urn:similook:problem:photo-missing"
    both = problem(client, data={"query_token": "x"}, files={"file": photos[0].data})
    assert both["type"] == "urn:similook:problem:photo-missing"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "51"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"crop_unit": "inch"}, "crop_unit"),
        ({"min_price": "-1"}, "min_price"),
        ({"max_price": "NaN"}, "max_price"),
        ({"gender": "robots"}, "gender.0"),
        ({"in_stock": "perhaps"}, "in_stock"),
    ],
)
def test_values_that_cannot_be_used_are_named(
    client: TestClient, photos: list[DrawnPhoto], fields: dict[str, str], field: str
) -> None:
    body = problem(client, data=fields, files={"file": photos[0].data})
    assert body["status"] == 422
    assert [fault["field"] for fault in body["errors"]] == [field]  # type: ignore[attr-defined]


def test_prices_the_wrong_way_round(client: TestClient, photos: list[DrawnPhoto]) -> None:
    body = problem(client, data={"min_price": "9", "max_price": "3"}, files={"file": photos[0].data})
    assert body["type"] == "urn:similook:problem:filter-invalid"


@pytest.mark.parametrize("crop", ["1,2,3", "a,b,c,d", "0,0,0,0", "2,2,1,1", "0,0,nan,1", "-1,-1,0.5,0.5", "inf,0,1,1"])
def test_crops_that_cannot_be_used(client: TestClient, photos: list[DrawnPhoto], crop: str) -> None:
    assert problem(client, data={"crop": crop}, files={"file": photos[0].data})["status"] == 422


@pytest.mark.parametrize(
    ("crop", "unit"), [("7,9,1,1", "px"), ("0.5,0.5,0.0001,0.9", "fraction"), ("-9,-9,99,99", "fraction")]
)
def test_crops_of_a_pixel_and_of_more_than_all(
    client: TestClient, photos: list[DrawnPhoto], crop: str, unit: str
) -> None:
    answer = client.post(URL, files={"file": photos[0].data}, data={"crop": crop, "crop_unit": unit})
    if crop.startswith("0.5"):  # a twentieth of a pixel wide
        assert answer.json()["type"] == "urn:similook:problem:crop-invalid"
    else:
        assert len(answer.json()["similar_products"]) == 10


@pytest.mark.parametrize("token", ["", "abc", "A" * 3_000, "\u00fc", "A" * 40_000])
def test_tokens_that_we_did_not_sign(client: TestClient, token: str) -> None:
    assert problem(client, data={"query_token": token, "limit": "3"})["status"] in (400, 422)


def test_an_altered_token(client: TestClient, photos: list[DrawnPhoto]) -> None:
    token = search(client, photos[0].data).query_token
    altered = token[:300] + ("A" if token[300] != "A" else "B") + token[301:]
    assert problem(client, data={"query_token": altered})["type"] == "urn:similook:problem:token-invalid"


def test_a_token_of_other_networks(client: TestClient, photos: list[DrawnPhoto]) -> None:
    services = client.app.state.services  # type: ignore[attr-defined]
    query = services.recommender.analyse(photos[0].data)
    foreign = query_tokens(services.settings, "0" * 16).sign(query.vector, TokenFacts(None, 0.0, 0.0, False))
    body = problem(client, data={"query_token": foreign})
    assert (body["status"], body["type"]) == (409, "urn:similook:problem:token-stale")
