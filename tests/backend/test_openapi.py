"""The OpenAPI document: every refusal declared in its real form, examples that are valid, and schemathesis over it."""

import json
import re
from pathlib import Path

import hypothesis
import schemathesis
from fastapi.testclient import TestClient
from pydantic import BaseModel
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from Backend import schemas, schemas_recommendations

NAMED = {
    name: kind
    for name, kind in {**vars(schemas), **vars(schemas_recommendations)}.items()
    if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not BaseModel
}
ANSWERS = list(NAMED.values())


def test_every_operation_declares_its_refusals_as_problem_documents(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if int(status) >= 400 and path != "/readyz":
                    assert list(response["content"]) == ["application/problem+json"], (method, path, status)
    assert "HTTPValidationError" not in json.dumps(document)


def test_photos_may_be_refused_in_every_way_that_photos_are(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path in ("/api/recommendations/similar-images", "/api/classify", "/api/garment-box"):
        statuses = set(document["paths"][path]["post"]["responses"])
        assert {"200", "400", "413", "415", "422", "429", "503"} <= statuses


def test_examples_of_fields_are_valid() -> None:
    checked = 0
    for answer in ANSWERS:
        for name, field in answer.model_fields.items():
            for example in field.examples or []:
                answer.__pydantic_validator__.validate_assignment(answer.model_construct(), name, example)
                checked += 1
    assert checked > 10  # an answer without examples says nothing


def test_examples_in_the_docs_are_valid(repository: Path) -> None:
    """Each JSON block of docs/api.md names the answer that it shows."""
    text = (repository / "docs" / "api.md").read_text()
    blocks = re.findall(r"```json (\w+)\n(.*?)```", text, re.DOTALL)
    assert len(blocks) >= 5
    for name, block in blocks:
        NAMED[name].model_validate_json(block)


def test_every_route_is_in_the_docs(client: TestClient, repository: Path) -> None:
    text = (repository / "docs" / "api.md").read_text()
    for path in client.get("/openapi.json").json()["paths"]:
        assert f"`{path}`" in text or f" {path}`" in text, path


CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_no_request_breaks_the_contract(base_url: str) -> None:
    """No 5xx, no undocumented status, no undocumented type, no answer that is not of its schema."""
    operations = [
        found.ok() for found in schemathesis.openapi.from_url(f"{base_url}/openapi.json").get_all_operations()
    ]
    assert len(operations) > 8
    for operation in operations:

        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(
            max_examples=12, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
        )
        def holds(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS)

        holds()
