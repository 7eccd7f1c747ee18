"""Files of our own that a browser loads: read once per process, asked for again cheaply, gzipped where possible."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fastapi import Response

STATIC = Path(__file__).resolve().parent / "static"
MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
FRESH = "public, max-age=300, stale-while-revalidate=86400"


@dataclass(frozen=True)
class StaticFile:
    """A file as it is served.

    Args:
        data: its bytes.
        packed: the same, gzipped.
        media_type: by the file's ending.
        digest: of its bytes.
    """

    data: bytes
    packed: bytes
    media_type: str
    digest: str

    def etag(self, gzipped: bool) -> str:
        """Return the ETag of one of the two forms, in quotes: caches must not take one for the other."""
        return f'"{self.digest}-gzip"' if gzipped else f'"{self.digest}"'


@lru_cache(maxsize=16)
def static_file(path: Path) -> StaticFile:
    """Read and pack a file, once per process."""
    data = path.read_bytes()
    return StaticFile(
        data, gzip.compress(data, mtime=0), MEDIA_TYPES[path.suffix], hashlib.sha256(data).hexdigest()[:32]
    )


def static_response(path: Path, if_none_match: str | None, accept_encoding: str | None) -> Response:
    """Return a file, or 304 where the browser has it already.

    Args:
        path: a .js, .css or .svg file.
        if_none_match: the request's header; likewise accept_encoding.
    """
    file = static_file(path)
    gzipped = accepts_gzip(accept_encoding)
    etag = file.etag(gzipped)
    headers = {"ETag": etag, "Cache-Control": FRESH, "Vary": "Accept-Encoding"}
    if is_known(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return Response(file.packed if gzipped else file.data, media_type=file.media_type, headers=headers)


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Return whether a browser that sent this If-None-Match has what `etag` names."""
    return if_none_match is not None and etag in [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Return whether a request takes gzip: named, and not with the quality 0."""
    for part in (accept_encoding or "").lower().split(","):
        name, _, quality = part.partition(";")
        if name.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
