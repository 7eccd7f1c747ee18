"""What is written down of a picture once it has been looked at: its kind, its size, and how clean it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from Data.catalogue import Catalogue
from Data.cleanness import measure
from Data.picture_kinds import mime_of, size_of
from Data.records import PictureFacts
from Model.embedder import Sight


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
    quality = measure(image, sight.mask, size, sight.found)
    return PictureFacts(sha256, header.mime, *size, header.bytes, quality=quality)


def save_facts(catalogue: Catalogue, facts: Sequence[PictureFacts]) -> None:
    """Save facts beside what was known before, and let the cleanest picture of each product stand for it."""
    known = catalogue.get_pictures([fact.sha256 for fact in facts])
    catalogue.put_pictures(
        [
            replace(known[fact.sha256], quality={**(known[fact.sha256].quality or {}), **(fact.quality or {})})
            if fact.sha256 in known
            else fact
            for fact in facts
        ]
    )
