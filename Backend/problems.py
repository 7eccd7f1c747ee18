"""Errors as RFC 9457 problem documents: every answer that is not a success has this one form.

The sentence in `detail` is meant for a person. What would show the inside of the service is logged instead, under the
request_id that the document carries.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from Backend.errors import BodyNotKept, Busy, KeyInvalid, KeyMissing, ProblemKind, problem_of
from Backend.schemas import FieldFault, ProblemAnswer

MEDIA_TYPE = "application/problem+json"
RETRY_UNAVAILABLE_S = 2

BODY_UNREADABLE = "The body of the request cannot be read; send it as multipart/form-data."
BODY_NOT_JSON = "The body of the request cannot be read; send JSON in UTF-8, nested no deeper than /docs shows."

log = structlog.stdlib.get_logger(__name__)


class ProblemResponse(JSONResponse):
    """A problem document."""

    media_type = MEDIA_TYPE


def problem_response(
    kind: ProblemKind,
    detail: str,
    request_id: str,
    headers: Mapping[str, str] | None = None,
    errors: list[FieldFault] | None = None,
) -> ProblemResponse:
    """Return the document of one occurrence.

    Args:
        kind: row of the table.
        detail: one sentence about this occurrence.
        request_id: under which the log has more.
        headers: Retry-After and the like.
        errors: the fields at fault.
    """
    answer = ProblemAnswer(
        type=f"urn:similook:problem:{kind.slug}",
        title=kind.title,
        status=kind.status,
        detail=kind.detail or detail,
        request_id=request_id,
        errors=errors,
    )
    content = answer.model_dump(exclude_none=True)
    return ProblemResponse(content, status_code=kind.status, headers={"Cache-Control": "no-store", **(headers or {})})


def request_id_of(request: Request) -> str:
    """Return the id that the middleware gave the request."""
    return str(request.scope.get("request_id", ""))


def error_response(request: Request, error: Exception) -> ProblemResponse:
    """Return the problem document of one of our errors, or of one that nobody foresaw."""
    kind = problem_of(type(error))
    if kind.status >= 500 and not isinstance(error, Busy):
        log.error("request failed", problem=kind.slug, error=str(error), exc_info=error)
    headers: dict[str, str] = {}
    if isinstance(error, Busy):
        headers["Retry-After"] = str(error.retry_after_s)
    elif kind.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_UNAVAILABLE_S)
    elif isinstance(error, KeyMissing | KeyInvalid):
        headers["WWW-Authenticate"] = 'Bearer realm="similook"'
    return problem_response(kind, str(error), request_id_of(request), headers)


async def _on_error(request: Request, error: Exception) -> ProblemResponse:
    return error_response(request, error)


async def _on_http_exception(request: Request, error: HTTPException) -> ProblemResponse:
    """Tell the framework's own refusals (no such path, method not allowed, a body it cannot parse) in the same form.

    It refuses a body as well when the disk is full that large ones wait on: that is no fault of the caller's.
    """
    if isinstance(error.__cause__, OSError):
        unkept = BodyNotKept(error.__cause__.strerror)
        unkept.__cause__ = error.__cause__
        return error_response(request, unkept)
    status = HTTPStatus(error.status_code)
    kind = ProblemKind(status, status.phrase.lower().replace(" ", "-"), status.phrase)
    sentences = {
        HTTPStatus.NOT_FOUND: "There is nothing at this address.",
        HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method.",
        HTTPStatus.BAD_REQUEST: BODY_NOT_JSON if _sent_json(request) else BODY_UNREADABLE,
    }
    detail = sentences.get(status, str(error.detail))
    return problem_response(kind, detail, request_id_of(request), error.headers)


def _sent_json(request: Request) -> bool:
    """Return whether a body is meant to be JSON."""
    return "json" in request.headers.get("content-type", "").lower()


async def _on_validation(request: Request, error: RequestValidationError) -> ProblemResponse:
    """Name every field that cannot be used, without sending back what was in it."""
    faults = [_fault_of(row) for row in error.errors()]
    kind = ProblemKind(422, "request-invalid", "The request has values that cannot be used")
    names = ", ".join(dict.fromkeys(fault.field for fault in faults))
    return problem_response(kind, f"Correct these and send it again: {names}.", request_id_of(request), errors=faults)


def _fault_of(row: Mapping[str, Any]) -> FieldFault:
    """Return field and message of one of pydantic's errors."""
    where = ".".join(str(part) for part in row["loc"] if part not in ("body", "query", "path", "header"))
    # A name that somebody made up may hold half a character, which no answer can carry.
    return FieldFault(field=where.encode(errors="replace").decode() or "body", message=row["msg"])


def install(app: FastAPI, classes: Mapping[type[Exception], ProblemKind]) -> None:
    """Make `app` answer each of these errors with a problem document. (Every other one: Backend/middleware.py.)

    Args:
        classes: the table; its base classes catch what derives from them.
    """
    for error_class in classes:
        app.add_exception_handler(error_class, _on_error)
    app.add_exception_handler(HTTPException, _on_http_exception)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _on_validation)  # type: ignore[arg-type]
