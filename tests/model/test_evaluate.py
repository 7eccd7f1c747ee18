"""Figures are what a slow loop over every pair gives, and the report shows them without trusting a word of them."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from Model.errors import LabelsInvalid, SplitInvalid
from Model.evaluate import Run, Side, Truth, difference, figures, neighbours
from Model.report import Measured, to_html, to_json, to_markdown

RNG = np.random.default_rng(4)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def example(count: int = 60, noise: float = 0.6) -> tuple[Truth, Run]:
    """Return pictures of three categories by ten senders, the gallery being the queries."""
    labels = np.array(["shirt", "hat", "<b>bag</b>"])[RNG.integers(0, 3, count)].tolist()
    colours = np.array(["red", "blue", ""])[RNG.integers(0, 3, count)].tolist()
    groups = [f"sender{number}" for number in RNG.integers(0, 10, count)]
    side = Side([f"{n}.jpg" for n in range(count)], labels, groups, colours)
    centres = {label: RNG.normal(size=12) for label in sorted(set(labels))}
    vectors = unit(np.array([centres[label] for label in labels]) + noise * RNG.normal(size=(count, 12)))
    views = unit(vectors[:20] + 0.2 * RNG.normal(size=(20, 12)))
    predicted = [label if RNG.random() < 0.8 else "hat" for label in labels]
    run = Run("new", vectors, vectors, predicted, [0.9] * count, views, [0.8, 0.9], 12.5)
    return Truth(side, side, range(20)), run


def test_every_figure_equals_a_slow_loop() -> None:
    truth, run = example()
    found = {name: figure.values.mean() for name, figure in figures(truth, run).items() if figure.statistic is None}
    side = truth.queries
    for name, keys in (
        ("category", [(label,) for label in side.labels]),
        ("category_colour", [(a, b) if b else None for a, b in zip(side.labels, side.colours, strict=True)]),
    ):
        shares: dict[int, list[float]] = {1: [], 5: [], 10: []}
        precisions = []
        for q, key in enumerate(keys):
            others = [g for g in range(len(keys)) if side.groups[g] != side.groups[q]]
            others.sort(key=lambda g, q=q: -float(run.queries[q] @ run.gallery[g]))
            right = [keys[g] == key and key is not None for g in others]
            if not any(right):
                continue
            for k, values in shares.items():
                values.append(sum(right[:k]) / k)
            hits = [place for place, hit in enumerate(right, start=1) if hit]
            precisions.append(np.mean([(n + 1) / place for n, place in enumerate(hits)]))
        for k, values in shares.items():
            assert found[f"{name}_p@{k}"] == pytest.approx(np.mean(values))
        if name == "category":
            assert found["map"] == pytest.approx(np.mean(precisions))
    assert found["accuracy"] == np.mean([a == b for a, b in zip(run.predicted, side.labels, strict=True)])
    assert run.views is not None
    for k in (1, 5):
        ranks = [np.argsort(-(run.gallery @ view)).tolist().index(n) for n, view in enumerate(run.views)]
        assert found[f"instance_recall@{k}"] == np.mean([rank < k for rank in ranks])
    assert found["mask_iou"] == pytest.approx(0.85)


def test_a_picture_never_finds_its_own_group() -> None:
    truth, run = example()
    everything = len(truth.gallery.keys)
    for k in (10, everything):
        for query, row in enumerate(neighbours(truth, run, k)):
            others = [g for g in range(everything) if truth.gallery.groups[g] != truth.queries.groups[query]]
            others.sort(key=lambda g, query=query: -float(run.queries[query] @ run.gallery[g]))
            assert row.tolist() == others[:k]


def test_the_difference_of_two_models_has_an_interval() -> None:
    truth, run = example(noise=0.4)
    worse = Run("old", *(unit(run.queries + 2.0 * RNG.normal(size=run.queries.shape)),) * 2)
    new, old = figures(truth, run), figures(truth, worse)
    gap = difference(new["category_p@5"], old["category_p@5"])
    assert gap is not None
    assert gap.low > 0
    assert gap.value == pytest.approx(new["category_p@5"].values.mean() - old["category_p@5"].values.mean())
    none = difference(new["category_p@5"], new["category_p@5"])
    assert none is not None
    assert (none.low, none.high) == (0, 0)
    assert difference(new["macro_f1"], new["macro_f1"]) is None


def test_what_cannot_be_measured_is_told() -> None:
    with pytest.raises(LabelsInvalid, match="rows"):
        Side(["a"], ["x", "y"], ["g"])
    with pytest.raises(LabelsInvalid, match="rows"):
        Side([], [], [])
    one = Side(["a", "b"], ["x", "x"], ["g", "g"])
    with pytest.raises(SplitInvalid, match="another group"):
        figures(Truth(one, one), Run("m", np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)))
    with pytest.raises(LabelsInvalid, match="one per picture"):
        figures(Truth(one, one), Run("m", np.eye(3, dtype=np.float32), np.eye(2, dtype=np.float32)))


class Reader(HTMLParser):
    """Collects a page's tags and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_report_in_three_forms() -> None:
    truth, run = example()
    other = Run("<script>old</script>", *(unit(RNG.normal(size=run.queries.shape)),) * 2)
    models = [Measured(each, figures(truth, each)) for each in (run, other)]
    facts = {"command": "similook evaluate <x>", "commit": "abc"}
    data = json.loads(json.dumps(to_json(models, facts)))
    assert data["format"] == 1
    assert data["models"][0]["figures"]["category_p@5"]["low"] <= data["models"][0]["figures"]["category_p@5"]["value"]
    assert data["models"][1]["difference"]["category_p@5"]["value"] < 0
    table = to_markdown(models)
    assert "category_p@5" in table
    assert "worse" in table

    def picture(key: str) -> Image.Image:
        if key == "3.jpg":
            raise FileNotFoundError(key)
        return Image.new("RGB", (300, 200), (200, 30, 40))

    reader = Reader()
    page = to_html(models, truth, picture, facts, rows=4)
    reader.feed(page)
    assert "script" not in reader.tags
    assert "b" not in reader.tags
    assert all(source.startswith("data:image/jpeg") for source in reader.sources)
    assert reader.tags.count("img") >= 2 * 4 * 9
