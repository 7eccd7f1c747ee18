"""What the page remembers of a visit, and when it sends the photo, the query token, or nothing at all."""

from dataclasses import dataclass, replace
from itertools import chain

from Frontend.answers import BoxFractions, SimilarProduct, SimilarProducts
from Frontend.api_client import ApiClient, Filters
from Frontend.cropper import MIDDLE, Box, Photo, with_room
from Frontend.errors import QueryExpired


@dataclass(frozen=True)
class Start:
    """Where the crop box of a photo starts.

    Attributes:
        found: Whether the service saw a garment there.
    """

    box: BoxFractions
    found: bool


@dataclass(frozen=True)
class Search:
    """A search that was answered.

    Attributes:
        photo_id: The upload that was searched with.
    """

    photo_id: str
    box: Box
    filters: Filters
    limit: int
    answer: SimilarProducts


def locate(client: ApiClient, photo: Photo) -> Start:
    """Return where the crop box starts: around what the service's mask found, or in the middle.

    Raises:
        ServiceError: the service did not answer.
    """
    seen = client.garment_box(photo.name, photo.data)
    if not seen.found or seen.box is None:
        return Start(MIDDLE, found=False)
    return Start(with_room(seen.box, photo), found=True)


def search(client: ApiClient, photo: Photo, box: Box, filters: Filters, limit: int, last: Search | None) -> Search:
    """Return the answer for a crop under filters.

    Nothing is sent when nothing changed; the token alone when only filters or the limit changed; the photo when the
    photo or the crop changed, or the token is no longer accepted.

    Raises:
        ServiceError: the service did not answer.
    """
    same_query = last is not None and (last.photo_id, last.box) == (photo.id, box)
    if last is not None and same_query:
        if (last.filters, last.limit) == (filters, limit):
            return last
        try:
            answer = client.similar_by_token(last.answer.query_token, filters, limit)
        except QueryExpired:
            pass
        else:
            # What the photo itself showed stays known, whatever the answer to a token says about it.
            answer = answer.model_copy(
                update={"category": last.answer.category, "garment_found": last.answer.garment_found}
            )
            return replace(last, filters=filters, limit=limit, answer=answer)
    answer = client.similar_by_photo(photo.name, photo.data, box.as_tuple(), filters, limit)
    return Search(photo.id, box, filters, limit, answer)


def in_order(products: tuple[SimilarProduct, ...], order: str) -> list[SimilarProduct]:
    """Return products sorted as a person asked.

    Args:
        order: `similarity` (as answered, best first), `price_up` or `price_down`. Prices in different currencies are
            not compared: those in the commonest one come first, and products without a price last.
    """
    if order == "similarity":
        return list(products)
    by_currency: dict[str | None, list[SimilarProduct]] = {}
    unpriced = []
    for product in products:
        if product.final_price is None:
            unpriced.append(product)
        else:
            by_currency.setdefault(product.currency, []).append(product)
    for group in by_currency.values():
        group.sort(key=lambda product: product.final_price or 0, reverse=order == "price_down")
    groups = sorted(by_currency.values(), key=lambda group: -len(group))
    return [*chain.from_iterable(groups), *unpriced]
