"""Folders written by earlier versions still open: one small sample of each format is kept beside this file.

A new format adds a folder; make_sample shows how the one of format 1 was made.
"""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Data.filters import Filter
from Data.index.builder import build_generation
from Data.index.generations import open_generation
from Data.index.manifest import FORMAT, read_manifest
from Data.index.snapshot import Snapshot

SAMPLES = Path(__file__).with_name("samples")
FOLDERS = sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())


@pytest.mark.parametrize("name", FOLDERS)
def test_an_old_generation_opens_and_answers(name: str) -> None:
    generation = open_generation(SAMPLES / name, "000001", "embedder-a")
    generation.verify()
    assert f"format-{generation.manifest.format}-{generation.manifest.kind}" == name
    snapshot = Snapshot(generation, generation.manifest.built_through_seq)
    vectors = generation.rows.vectors.astype(np.float32)
    for row in range(0, len(vectors), 97):
        query = vectors[row : row + 1]
        hits = snapshot.search(query, 5, Filter(), "product")
        assert hits[0].vector_id == int(generation.ids.at(np.array([row]))[0])
        assert hits[0].product_id == generation.columns.words["product_id"].text(row)
        for hit in snapshot.search(query, 5, Filter(category=("dress",), in_stock=True), "product"):
            found = int(generation.ids.rows(np.array([hit.vector_id]))[0])
            assert generation.columns.words["category"].text(found) == "dress"
            assert generation.columns.in_stock[found]


def test_there_is_a_sample_of_every_format() -> None:
    assert {f"format-{number}-{kind}" for number in range(1, FORMAT + 1) for kind in ("exact", "compact")} == set(
        FOLDERS
    )


@pytest.mark.parametrize("kind", ["exact", "compact"])
def test_making_a_sample(shop: Any, kind: Any) -> None:
    folder = make_sample(shop, kind)
    assert read_manifest(folder).format == FORMAT


def make_sample(shop: Any, kind: Any) -> Path:
    """Build a generation of a thousand products and return its folder; it is what samples/ holds."""
    shop.fill(1000)
    build_generation(shop.directory, shop.features, "embedder-a", kind=kind, recall_target=0.9, threads=1)
    target = SAMPLES / f"format-{FORMAT}-{kind}" / "000001"
    if not target.exists():
        shutil.copytree(shop.directory / "000001", target)
    return shop.directory / "000001"
