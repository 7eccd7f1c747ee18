"""The page that lists and tries the API. Its files come from here as well: no other host is asked, so that it works
without the internet and tells nobody who reads it."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Response
from fastapi.responses import RedirectResponse

from Backend.static_files import STATIC, static_response

router = APIRouter(include_in_schema=False)

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Swagger UI writes style elements
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Similook · the API</title>
  <link rel="icon" href="docs/icon.svg">
  <link rel="stylesheet" href="docs/swagger-ui.css">
  <script src="docs/swagger-ui-bundle.js" defer></script>
  <script src="docs/docs.js" defer></script>
</head>
<body><div id="swagger-ui"></div></body>
</html>
"""


@router.get("/")
async def start() -> Response:
    """Lead whoever opens the bare address to the page."""
    return RedirectResponse("docs")


@router.get("/docs")
async def docs_page() -> Response:
    """Return the page."""
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-cache"}
    return Response(PAGE, media_type="text/html; charset=utf-8", headers=headers)


@router.get("/docs/{name}")
async def docs_file(
    name: Literal["swagger-ui-bundle.js", "swagger-ui.css", "docs.js", "icon.svg"],
    if_none_match: Annotated[str | None, Header(max_length=2000)] = None,
    accept_encoding: Annotated[str | None, Header(max_length=2000)] = None,
) -> Response:
    """Return a file of the page: ours, or Swagger UI's out of the package that brings it."""
    folder = swagger_folder() if name.startswith("swagger") else STATIC
    return static_response(folder / name, if_none_match, accept_encoding)


def swagger_folder() -> Path:
    """Return where the installed Swagger UI lies."""
    return Path(str(files("fastapi_offline"))) / "static"
