"""Pictures by the sha256 of their bytes, which never change and are cached for good."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from starlette.concurrency import run_in_threadpool

from Backend.openapi import MEANINGS, problems
from Backend.routes.context import Served
from Backend.services import decode_limits
from Backend.static_files import is_known
from Backend.thumbnails import rendition

router = APIRouter(tags=["pictures"])

FOREVER = "public, max-age=31536000, immutable"
PICTURE = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "/api/images/{sha256}",
    response_class=Response,
    responses={
        200: {"description": "The picture.", "content": dict.fromkeys(("image/jpeg", "image/png"), PICTURE)},
        304: {"description": MEANINGS[304]},
        **problems(404, 422, 503),
    },
)
async def get_image(
    served: Served,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
    w: Annotated[
        Literal["160", "320", "640"] | None, Query(description="Longest side in pixels, as a JPEG; absent: as stored.")
    ] = None,
    if_none_match: Annotated[str | None, Header(max_length=2000)] = None,
) -> Response:
    """Return a picture of the catalogue, as it is stored or smaller."""
    etag = f'"{sha256}-{w}"' if w else f'"{sha256}"'
    headers = {"ETag": etag, "Cache-Control": FOREVER}
    if is_known(etag, if_none_match):
        return Response(status_code=304, headers=headers)
    services = served.services
    width = int(w) if w else None
    limits = decode_limits(services.settings)
    picture = await run_in_threadpool(rendition, services.images, sha256, width, services.thumbnails, limits)
    # Whatever the bytes pretend to be, a browser is not to run them.
    headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return Response(picture.data, media_type=picture.media_type, headers=headers)
