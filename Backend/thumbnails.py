"""Pictures as browsers get them: as they are stored, or smaller, made once and kept in the cache folder."""

import io
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from Backend.errors import PictureDamaged
from Data.images import ImageStore
from Model.errors import ImageError
from Model.preprocess import DecodeLimits, load

WIDTHS = (160, 320, 640)
"""Longest sides in pixels that can be asked for; few, so that nobody fills the disk with sizes."""

QUALITY = 82
SIGNATURES: tuple[tuple[bytes, int, str], ...] = (
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
)


@dataclass(frozen=True)
class Rendition:
    """A picture's bytes and their type."""

    data: bytes
    media_type: str


def media_type_of(data: bytes) -> str | None:
    """Return the media type of a picture that every browser shows, by its first bytes; None for any other."""
    for signature, offset, media_type in SIGNATURES:
        if data[offset : offset + len(signature)] == signature:
            return media_type
    return None


def rendition(images: ImageStore, sha256: str, width: int | None, folder: Path, limits: DecodeLimits) -> Rendition:
    """Return a stored picture for a browser.

    Args:
        images: where it is stored.
        sha256: its key.
        width: one of WIDTHS for a JPEG of that longest side; None for the stored bytes. What browsers cannot show
            (HEIC) becomes a JPEG in either case.
        folder: cache of the smaller ones.
        limits: of a picture that is decoded.
    Raises:
        ImageNotFound: there is no such picture.
        PictureDamaged: it cannot be decoded.
    """
    if width is None:
        data = images.get(sha256)
        known = media_type_of(data)
        return Rendition(data, known) if known else Rendition(_jpeg(sha256, data, max(WIDTHS), limits), "image/jpeg")
    path = folder / str(width) / sha256[:2] / f"{sha256}.jpg"
    try:
        return Rendition(path.read_bytes(), "image/jpeg")
    except FileNotFoundError:
        made = Rendition(_jpeg(sha256, images.get(sha256), width, limits), "image/jpeg")
    _keep(path, made.data)
    return made


def _jpeg(sha256: str, data: bytes, side: int, limits: DecodeLimits) -> bytes:
    """Return the picture as a JPEG with at most `side` pixels on its longer side."""
    try:
        picture = load(data, limits, side=side)
    except ImageError as error:
        raise PictureDamaged(sha256) from error
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return buffer.getvalue()


def _keep(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    temporary.write_bytes(data)
    temporary.replace(path)
