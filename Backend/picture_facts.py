"""What is written down of a picture once it has been looked at: kind, size, how clean it is, its fingerprint."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from Data.catalogue import Catalogue
from Data.cleanness import measure
from Data.errors import ImageNotFound
from Data.fingerprint import fingerprint, is_fingerprint
from Data.images import ImageStore
from Data.picture_kinds import mime_of, size_of
from Data.pixels import blur_effect, rgb_histogram
from Data.records import PictureFacts
from Model.embedder import Sight
from Model.errors import ImageError
from Model.preprocess import DecodeLimits, load

MEASURE_BATCH = 200


@dataclass(frozen=True)
class Header:
    """What a picture's file says of itself."""

    mime: str
    width: int
    height: int
    bytes: int


def read_header(data: bytes) -> Header:
    """Return what a file says of itself; sizes are 0 where it does not."""
    return Header(mime_of(data) or "", *size_of(data), len(data))


def facts_of(sha256: str, header: Header, image: Image.Image, sight: Sight) -> PictureFacts:
    """Return what is known of a picture now.

    Args:
        image: as it was looked at; the mask in `sight` is of its size.
    """
    size = (header.width, header.height) if header.width else image.size
    quality: dict[str, Any] = measure(image, sight.mask, size, sight.found) | {"blur": blur_effect(image)}
    if sight.found and (histogram := rgb_histogram(image, sight.mask)):
        quality["rgb"] = histogram
    return PictureFacts(sha256, header.mime, *size, header.bytes, phash=fingerprint(image), quality=quality)


def save_facts(catalogue: Catalogue, facts: Sequence[PictureFacts]) -> None:
    """Save facts beside what was known before, and let the cleanest picture of each product stand for it."""
    known = catalogue.get_pictures([fact.sha256 for fact in facts])
    catalogue.put_pictures(
        [
            replace(
                known[fact.sha256],
                width=known[fact.sha256].width or fact.width,
                height=known[fact.sha256].height or fact.height,
                phash=fact.phash,
                quality={**(known[fact.sha256].quality or {}), **(fact.quality or {})},
            )
            if fact.sha256 in known
            else fact
            for fact in facts
        ]
    )


def measure_missing(
    catalogue: Catalogue, images: ImageStore, limits: DecodeLimits, progress: Callable[[int], None] = lambda done: None
) -> int:
    """Measure what needs no network of the pictures that lack it, and return how many there were.

    For pictures that have been fetched but not looked at, and those looked at before these measures were taken. One
    that cannot be read is left as it is: the indexer gives it up with its reason.

    Args:
        progress: told the number of pictures passed.
    Raises:
        DatabaseError, ImageStoreError.
    """
    passed = measured = 0
    for batch in catalogue.iterate_pictures(MEASURE_BATCH):
        found = [_measured(facts, images, limits) for facts in batch if not _complete(facts)]
        fresh = [facts for facts in found if facts is not None]
        catalogue.put_pictures(fresh)
        measured += len(fresh)
        passed += len(batch)
        progress(passed)
    return measured


def _complete(facts: PictureFacts) -> bool:
    return is_fingerprint(facts.phash) and "blur" in (facts.quality or {})


def _measured(facts: PictureFacts, images: ImageStore, limits: DecodeLimits) -> PictureFacts | None:
    try:
        data = images.get(facts.sha256)
        image = load(data, limits)
    except (ImageError, ImageNotFound):
        return None
    width, height = size_of(data)
    return replace(
        facts,
        width=facts.width or width or image.width,
        height=facts.height or height or image.height,
        phash=fingerprint(image),
        quality={**(facts.quality or {}), "blur": blur_effect(image)},
    )
