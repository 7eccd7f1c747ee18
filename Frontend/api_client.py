"""The page's only way to the service: requests with timeouts and retries, and an error class per outcome."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar
from urllib.parse import quote, urlsplit

import requests
from pydantic import ValidationError
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from Frontend.answers import (
    OWN_PICTURES,
    Answer,
    CatalogueCategory,
    CataloguePage,
    CatalogueProduct,
    Categories,
    GarmentBox,
    SimilarProducts,
)
from Frontend.answers_statistics import ProductStatistics, Statistics
from Frontend.errors import (
    PictureRefused,
    QueryExpired,
    RequestRefused,
    ServiceBusy,
    ServiceUnavailable,
    UnexpectedAnswer,
)
from Frontend.settings import Settings

AnswerT = TypeVar("AnswerT", bound=Answer)

PICTURE_KINDS = ("not-an-image", "upload-too-large")
PICTURE_KIND_STARTS = ("image-", "crop-")
TOKEN_KINDS = ("token-invalid", "token-stale")
BUSY_KINDS = ("busy", "queue-full", "wait-too-long")
# Longer waits are the person's to decide: the page tells them instead of keeping them before a spinner.
LONGEST_SILENT_WAIT_S = 2
BACKOFF_S = 0.2


@dataclass(frozen=True)
class Filters:
    """What a person narrows the results to; the default narrows nothing.

    Attributes:
        categories: Slugs, any of which may match.
        min_price: In the catalogue's currency, like max_price.
    """

    categories: tuple[str, ...] = ()
    gender: str | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock: bool = False

    @property
    def count(self) -> int:
        """The number of filters that narrow something."""
        prices = self.min_price is not None, self.max_price is not None
        return sum((bool(self.categories), self.gender is not None, any(prices), self.in_stock))

    @property
    def contradicts_itself(self) -> bool:
        """Whether no price can satisfy both bounds."""
        return self.min_price is not None and self.max_price is not None and self.min_price > self.max_price

    def fields(self) -> list[tuple[str, str]]:
        """Return the form fields that ask the service for this."""
        fields = [("category", slug) for slug in self.categories]
        if self.gender is not None:
            fields.append(("gender", self.gender))
        if self.min_price is not None:
            fields.append(("min_price", str(self.min_price)))
        if self.max_price is not None:
            fields.append(("max_price", str(self.max_price)))
        if self.in_stock:
            fields.append(("in_stock", "true"))
        return fields


class ApiClient:
    """Calls the service's documented routes.

    Args:
        settings: Where the service is, and how long to wait for it.
    """

    def __init__(self, settings: Settings) -> None:
        self._base = settings.api_url
        self._timeout = (settings.api_connect_timeout_s, settings.api_timeout_s)
        # A search changes nothing at the service, so every method may be tried again; an answer that takes too long
        # is not, because the second wait would be as long as the first.
        retries = Retry(
            total=settings.api_retries,
            read=0,
            status_forcelist=(429, 502, 503, 504),
            allowed_methods=None,
            backoff_factor=BACKOFF_S,
            raise_on_status=False,
            respect_retry_after_header=True,
            retry_after_max=LONGEST_SILENT_WAIT_S,
        )
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(max_retries=retries))
        self._session.mount("https://", HTTPAdapter(max_retries=retries))

    def similar_by_photo(
        self, name: str, data: bytes, crop_px: tuple[int, int, int, int], filters: Filters, limit: int
    ) -> SimilarProducts:
        """Return the products that look most like a crop of a photo.

        The whole photo travels with the crop beside it, so that the service cuts full-resolution pixels out of the
        upright picture, and nothing is compressed twice.

        Args:
            data: The file's bytes as they were uploaded.
            crop_px: x, y, width, height in pixels of the upright picture.
            limit: 1..50.
        Raises:
            ServiceError: one of its subclasses, see Frontend/errors.py.
        """
        fields = [("crop", ",".join(map(str, crop_px))), ("crop_unit", "px"), ("limit", str(limit)), *filters.fields()]
        return self._post("/api/recommendations/similar-images", SimilarProducts, fields, (name, data))

    def similar_by_token(self, query_token: str, filters: Filters, limit: int) -> SimilarProducts:
        """Return the products that look most like an earlier query, under other filters; no photo travels.

        Raises:
            QueryExpired: the token is no longer accepted.
            ServiceError: any other of its subclasses.
        """
        fields = [("query_token", query_token), ("limit", str(limit)), *filters.fields()]
        return self._post("/api/recommendations/similar-images", SimilarProducts, fields, None)

    def garment_box(self, name: str, data: bytes) -> GarmentBox:
        """Return where the service sees a garment in a photo.

        Raises:
            ServiceError: one of its subclasses.
        """
        return self._post("/api/garment-box", GarmentBox, [], (name, data))

    def products(self, limit: int, category: str | None = None) -> Sequence[CatalogueProduct]:
        """Return the first products of the catalogue, or of one of its categories.

        Raises:
            ServiceError: one of its subclasses.
        """
        query = {"limit": str(limit)} | ({"category": category} if category else {})
        return self._read(self._send("GET", "/api/products", query=query), CataloguePage).products

    def categories(self) -> Sequence[CatalogueCategory]:
        """Return the catalogue's categories, most products first.

        Raises:
            ServiceError: one of its subclasses.
        """
        return self._read(self._send("GET", "/api/categories"), Categories).categories

    def statistics(self) -> Statistics:
        """Return the catalogue at a glance.

        Raises:
            ServiceError: one of its subclasses.
        """
        return self._read(self._send("GET", "/api/stats"), Statistics)

    def product_statistics(self, product_id: str) -> ProductStatistics:
        """Return a product's colours beside those of what looks like it.

        Raises:
            RequestRefused: status 404, there is no such product.
            ServiceError: any other of its subclasses.
        """
        return self._read(self._send("GET", f"/api/stats/products/{quote(product_id, safe='')}"), ProductStatistics)

    def picture(self, image_url: str) -> bytes:
        """Return the bytes of one of the service's own pictures.

        Only the end of `image_url` is used: what stands before is how browsers reach the service, and the page calls no
        other host.

        Raises:
            ServiceError: one of its subclasses.
        """
        return self._send("GET", OWN_PICTURES + urlsplit(image_url).path.rpartition(OWN_PICTURES)[2]).content

    def _post(
        self, path: str, kind: type[AnswerT], fields: list[tuple[str, str]], photo: tuple[str, bytes] | None
    ) -> AnswerT:
        """Send a multipart form; with no photo its fields are still multipart, as the route documents."""
        parts: list[tuple[str, tuple[str | None, str | bytes]]] = [(name, (None, value)) for name, value in fields]
        if photo is not None:
            parts.append(("file", photo))
        return self._read(self._send("POST", path, parts=parts), kind)

    def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        parts: list[tuple[str, tuple[str | None, str | bytes]]] | None = None,
    ) -> requests.Response:
        try:
            response = self._session.request(
                method, self._base + path, params=query, files=parts, timeout=self._timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            raise ServiceUnavailable(f"The service at {self._base} cannot be reached.") from error
        if not response.ok:
            raise _refusal(response)
        return response

    @staticmethod
    def _read(response: requests.Response, kind: type[AnswerT]) -> AnswerT:
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            raise UnexpectedAnswer(f"The service's answer is not a {kind.__name__}.") from error


def _refusal(response: requests.Response) -> Exception:
    """Return the error that says what a response with a bad status means. Source: RFC 9457 problem documents."""
    kind, detail = _problem(response)
    if response.status_code == 429 or kind in BUSY_KINDS:
        return ServiceBusy(detail or "The service is busy.", _retry_after_s(response))
    if response.status_code >= 500:
        return ServiceUnavailable(detail or f"The service failed with status {response.status_code}.")
    if kind in TOKEN_KINDS:
        return QueryExpired(response.status_code, kind, detail)
    if kind in PICTURE_KINDS or kind.startswith(PICTURE_KIND_STARTS) or response.status_code in (413, 415):
        return PictureRefused(response.status_code, kind, detail)
    return RequestRefused(response.status_code, kind, detail)


def _problem(response: requests.Response) -> tuple[str, str]:
    """Return the problem document's kind and sentence; both empty when there is none."""
    try:
        document = response.json()
    except requests.JSONDecodeError:
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    kind = str(document.get("type") or "").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return kind, str(document.get("detail") or "")


def _retry_after_s(response: requests.Response) -> float:
    """Return the seconds a busy service asks for; 5 when it names none."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 5.0
