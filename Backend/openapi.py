"""The OpenAPI document: problem documents declared wherever they can be answered."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from Backend.problems import MEDIA_TYPE
from Backend.schemas import ProblemAnswer

DESCRIPTION = """\
A photo in, the most similar products of the catalogue out.

Errors are problem documents (RFC 9457, `application/problem+json`) whose `detail` is a sentence for a person."""

MEANINGS = {
    304: "Unchanged since the ETag that was sent.",
    400: "The request cannot be read.",
    401: "An API key is needed, or the one that was sent is not known.",
    403: "The API key lacks the scope.",
    404: "There is nothing at this address.",
    405: "The address does not take this method.",
    409: "The query_token is out of date, or the product has not been looked at yet.",
    408: "The upload arrives too slowly.",
    413: "The upload or the picture is too large.",
    415: "The file is not a picture.",
    422: "The picture, the crop or a value cannot be used.",
    429: "Too many photos wait; try again after `Retry-After` seconds.",
    500: "A fault of the service.",
    503: "The service cannot answer at the moment; try again after `Retry-After` seconds.",
}
PHOTO = (400, 408, 413, 415, 422, 429, 503)
"""What any route that takes a photo may answer besides success."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that may refuse with these statuses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}}
    return {status: {"description": MEANINGS[status], "content": content} for status in sorted(statuses)}


def describe(app: FastAPI) -> None:
    """Give `app` its OpenAPI document, with every refusal in the form it really has."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
            _declare_problem(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _declare_problem(schema: dict[str, Any]) -> None:
    """Replace the framework's own form of validation errors by ours, and add what every route may answer."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    problem = ProblemAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemAnswer"] = problem
    everywhere = problems(400, 422)
    for path in schema["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            for status, response in everywhere.items():
                known = responses.get(str(status))
                if known is None or MEDIA_TYPE not in known.get("content", {}):
                    responses[str(status)] = response
            operation["responses"] = dict(sorted(responses.items()))
