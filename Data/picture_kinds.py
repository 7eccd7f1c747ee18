"""What kind of picture a file's first bytes say it is, whatever a server or a name may call it."""

import io
import struct
import zlib

from PIL import Image

_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "image/heic"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
}
# What Pillow's plugins raise for bytes that they cannot make sense of; the one for AVIF raises RuntimeError.
_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(AssertionError, RuntimeError, struct.error, zlib.error, Image.DecompressionBombError),
)
_TURN = 0x0112
_SIDEWAYS = {5, 6, 7, 8}


def mime_of(data: bytes) -> str | None:
    """Return the type of a picture, None where these are no picture's bytes."""
    for magic, mime in _MAGIC:
        if data.startswith(magic):
            return mime
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return _BRANDS.get(data[8:12]) if data[4:8] == b"ftyp" else None


def looks_like_page(data: bytes) -> bool:
    """Return whether these are the bytes of an HTML page or some other text."""
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype", b"<html", b"<head", b"<body", b"<?xml", b"{", b"["))


def size_of(data: bytes) -> tuple[int, int]:
    """Return a picture's upright width and height in pixels by its header alone; (0, 0) where that does not say it."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            turned = picture.getexif().get(_TURN) in _SIDEWAYS
    except _BROKEN:
        return 0, 0
    return (height, width) if turned else (width, height)
