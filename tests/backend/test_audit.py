"""The audit on drawn products with injected faults, on both databases; its report; near duplicates, the slow way."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from Backend.audit_page import audit_page
from Backend.cli import app
from Backend.settings import Settings
from Data.audit import AuditReport, Finding
from Data.duplicates import FIELD_TOLERANCE, RADIUS, near_pairs
from Data.fingerprint import FIELD_VALUES, LENGTH, SHAPE_BYTES, unpack
from Data.product import Product
from Data.quality import Fault
from tests.backend.defects import inject, look, measure
from tests.databases import empty_schema

PER_CLASS = 3


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def spoiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Return the settings of a catalogue with injected faults; `labels.json` says which."""
    with ExitStack() as stack:
        url = ""
        if request.param == "postgresql":
            url = stack.enter_context(empty_schema(request.getfixturevalue("postgresql_server")))
        settings = Settings(data_dir=tmp_path_factory.mktemp("spoiled"), database_url=url, threads=1)
        labels = inject(settings, PER_CLASS)
        (settings.data_dir / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
        yield settings


def test_injected_faults_are_found_and_hardly_anything_else(spoiled: Settings) -> None:
    labels = json.loads((spoiled.data_dir / "labels.json").read_text(encoding="utf-8"))
    measured = measure(look(spoiled), labels)
    for defect, (injected, found, wrong) in measured.items():
        assert injected >= 4
        assert (found, wrong) == (injected, 0), defect


def test_the_command_prints_and_writes_what_was_found(spoiled: Settings, tmp_path: Path) -> None:
    page = tmp_path / "audit.html"
    options = ["--data-dir", str(spoiled.data_dir), "--database-url", spoiled.database]
    said = CliRunner().invoke(app, ["audit", "--json", "--limit", "100", *options])
    assert said.exit_code == 0, said.output
    findings = json.loads(said.stdout)["findings"]
    assert findings[0]["faults"][0]["kind"] == "missing"
    assert [each["priority"] for each in findings] == sorted((each["priority"] for each in findings), reverse=True)
    shown = CliRunner().invoke(app, ["audit", "--html", str(page), *options])
    assert shown.exit_code == 0
    assert "What to mend first" in shown.stdout
    written = page.read_text(encoding="utf-8")
    assert "data:image/jpeg;base64," in written
    assert "http" not in written.split("</style>")[1]


def test_the_report_shows_a_catalogues_words_as_text() -> None:
    product = Product(
        product_id="<b>1</b>", name="<script>alert(1)</script>", product_url="https://example.com/?a=1&b=2"
    )
    finding = Finding(product, 1.0, (Fault("missing", 1.0, "<i>none</i>"),), None)
    page = audit_page(AuditReport(products=1, faulty=1, findings=[finding]), lambda sha256: None)
    body = page.split("</style>")[1]
    assert "<script" not in body and "<i>" not in body and "<b>1" not in body
    assert "&lt;script&gt;" in body and "?a=1&amp;b=2" in body


def test_near_pairs_are_those_that_comparing_all_finds() -> None:
    rng = np.random.default_rng(3)
    prints: list[str] = []
    for _ in range(60):
        shape = rng.integers(0, 2, 8 * SHAPE_BYTES)
        fields = rng.integers(0, 16, FIELD_VALUES)
        for _ in range(4):
            flipped = shape.copy()
            flipped[rng.choice(len(shape), int(rng.integers(0, 2 * RADIUS)), replace=False)] ^= 1
            moved = fields.copy()
            place = rng.integers(0, FIELD_VALUES, 2)
            moved[place] = np.clip(moved[place] + rng.integers(-1, 3), 0, 15)
            prints.append(np.packbits(flipped).tobytes().hex() + "-" + "".join(f"{value:x}" for value in moved))
    assert {len(text) for text in prints} == {LENGTH}
    shapes, fields_of = unpack(prints)
    slow = [
        (i, j)
        for i in range(len(prints))
        for j in range(i + 1, len(prints))
        if np.bitwise_count(shapes[i] ^ shapes[j]).sum() <= RADIUS
        and np.abs(fields_of[i] - fields_of[j]).max() <= FIELD_TOLERANCE
    ]
    assert len(slow) > 20
    assert [tuple(pair) for pair in near_pairs(prints).tolist()] == slow
