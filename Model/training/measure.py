"""Measure encoders and baselines on the validation pictures: unseen senders, never trained on.

    python -m Model.training.measure --data DIR --teachers DIR --models DIR --out FILE.json

Every model gets the same questions. Photos: a query may only find photos of other senders. Category and colour: shop
pictures held back from training, whose colour is given. Instance: each validation photo, strongly transformed, must
find itself among all photos of the set.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression

from Model.baselines import colour_histograms
from Model.card import Card, Match
from Model.classifier import Classifier
from Model.embedder import Embedder, match_probability
from Model.metrics import (
    Interval,
    accuracy,
    average_precision,
    bootstrap,
    cosine_scores,
    different_groups,
    expected_calibration_error,
    macro_f1,
    precision_at_k,
    ranking,
    recall_at_k,
)
from Model.probe import unit
from Model.ranking import category_losses, rank_score
from Model.training import manifest
from Model.training.baselines import ImageNetTeacher, UntrainedResNet34, Vectors
from Model.transforms import strong_view
from Model.weights import find_model

log = logging.getLogger(__name__)

Describe = Callable[[Sequence[Image.Image]], Vectors]
CHUNK = 32
SHOP_QUERIES = 2000
CATEGORY_WEIGHT = 0.1
"""SIMILOOK_CATEGORY_WEIGHT, where categories are to count."""
RANKED = 100
"""Nearest pictures among which they do, as in the service."""


@dataclass(frozen=True)
class Pictures:
    """Pictures to describe, and what is known about them."""

    images: list[Image.Image]
    rows: list[manifest.Row]

    def where(self, split: str) -> Pictures:
        """Return the pictures of one split."""
        kept = [at for at, row in enumerate(self.rows) if row.split == split]
        return Pictures([self.images[at] for at in kept], [self.rows[at] for at in kept])


def read_pictures(rows: list[manifest.Row]) -> Pictures:
    """Open the pictures of manifest rows of one archive, in the archive's order."""
    wanted = {row.image: row for row in rows}
    images, kept = [], []
    with tarfile.open(rows[0].archive) as tar:
        for member in tar:
            if member.name in wanted:
                handle = tar.extractfile(member)
                assert handle is not None
                images.append(Image.open(io.BytesIO(handle.read())).convert("RGB"))
                kept.append(wanted[member.name])
    return Pictures(images, kept)


def describe_all(describe: Describe, images: Sequence[Image.Image]) -> Vectors:
    """Return the features of all pictures, not yet centred. Shape: (n, dim)."""
    return np.concatenate([describe(images[at : at + CHUNK]) for at in range(0, len(images), CHUNK)])


@dataclass(frozen=True)
class Questions:
    """The pictures of all tests; every model sees exactly these."""

    photos: Pictures
    shop: Pictures
    transformed: list[Image.Image]

    @classmethod
    def read(cls, data: Path) -> Questions:
        """Read the photos and the held-back shop pictures out of the published tars."""
        photos = read_pictures(list(manifest.clothing_dataset(data / "clothing-dataset.tar")))
        shop = [row for row in manifest.shop_pictures(data / "fashion-product-images-small.tar") if row.split == "val"]
        held = photos.where("val")
        named = zip(held.images, held.rows, strict=True)
        transformed = [strong_view(image, row.image) for image, row in named]
        return cls(photos, read_pictures([row for row in shop if row.label][:SHOP_QUERIES]), transformed)


def measure(
    describe: Describe,
    questions: Questions,
    centre: bool,
    probe: bool,
    classifier: Classifier | None = None,
    match: Match | None = None,
) -> dict[str, Any]:
    """Return every figure of one model.

    Args:
        classifier: of this model's vectors, measured too where there is one.
        match: how its cosines become probabilities, where the classifier is to count in a ranking.
        centre: subtract the mean of the training photos first, as features that were not trained for cosines need.
        probe: also fit a linear probe on the training photos.
    """
    began = time.process_time()
    photos = questions.photos
    raw = describe_all(describe, photos.images)
    seconds = (time.process_time() - began) / len(photos.images)
    splits = np.array([row.split for row in photos.rows])
    middle = raw[splits == "train"].mean(axis=0) if centre else np.zeros(raw.shape[1], np.float32)
    vectors = unit(raw - middle)
    labels = np.array([row.label for row in photos.rows])
    groups = np.array([row.group for row in photos.rows])
    held = (splits == "val") & (labels != "")
    report: dict[str, Any] = {"cpu_ms_per_picture": round(1000 * seconds, 1), "dim": raw.shape[1]}
    report |= _category(vectors[held], labels[held], groups[held])
    query = unit(describe_all(describe, questions.transformed) - middle)
    report |= _instance(query, vectors, np.flatnonzero(splits == "val"), groups)
    shop = unit(describe_all(describe, questions.shop.images) - middle)
    names = np.array([f"{row.label}|{row.words['colour']}" for row in questions.shop.rows])
    report |= _shop(shop, names)
    if classifier is not None:
        probabilities = classifier.probabilities(vectors[held])
        report |= _classified(probabilities, classifier.labels, labels[held], groups[held])
        shares = [dict(zip(classifier.labels, row, strict=True)) for row in probabilities.tolist()]
        report |= _category_counts(vectors[held], shares, labels[held], groups[held], match)
    if probe:
        known = (splits == "train") & (labels != "")
        fitted = LogisticRegression(C=10.0, max_iter=300).fit(vectors[known], labels[known])
        right = fitted.predict(vectors[held]) == labels[held]
        report["probe_accuracy"] = _figure(bootstrap(right.astype(float), groups[held]))
    return report


def _classified(
    probabilities: Vectors, names: Sequence[str], labels: np.ndarray[Any, Any], groups: np.ndarray[Any, Any]
) -> dict[str, Any]:
    index = {name: at for at, name in enumerate(names)}
    truth, predicted = np.array([index[label] for label in labels]), probabilities.argmax(axis=1)
    per_class = {
        name: round(accuracy(truth[truth == at], predicted[truth == at]), 3)
        for name, at in index.items()
        if at in truth
    }
    return {
        "accuracy": _figure(bootstrap((truth == predicted).astype(float), groups)),
        "macro_f1": round(macro_f1(truth, predicted, len(names)), 4),
        "ece": round(expected_calibration_error(probabilities, truth), 4),
        "recall_of_class": per_class,
    }


def _category(vectors: Vectors, labels: np.ndarray[Any, Any], groups: np.ndarray[Any, Any]) -> dict[str, Any]:
    allowed = different_groups(groups, groups)
    relevant = (labels[:, None] == labels[None, :]) & allowed
    order = ranking(cosine_scores(vectors, vectors), allowed)
    figures = {f"category_p{k}": _figure(bootstrap(precision_at_k(relevant, order, k), groups)) for k in (1, 5, 10)}
    return figures | {"category_map": round(float(np.nanmean(average_precision(relevant, order))), 4)}


def _category_counts(
    vectors: Vectors,
    shares: Sequence[dict[str, float]],
    labels: np.ndarray[Any, Any],
    groups: np.ndarray[Any, Any],
    match: Match | None,
) -> dict[str, Any]:
    """Precision where the shop's categories count (Model/ranking.py): those of the pictures that are searched."""
    scores = cosine_scores(vectors, vectors)
    order = ranking(scores, different_groups(groups, groups), k=RANKED)
    for query, (near, share) in enumerate(zip(order, shares, strict=True)):
        losses = category_losses(share, CATEGORY_WEIGHT)
        ranked = [
            rank_score(cosine, losses.get(labels[other], 0.0), match_probability(match, cosine) if match else None)
            for other, cosine in zip(near, scores[query, near].tolist(), strict=True)
        ]
        order[query] = near[np.argsort(-np.array(ranked), kind="stable")]
    relevant = (labels[:, None] == labels[None, :]) & different_groups(groups, groups)
    return {
        f"category_p{k}_shop_categories": _figure(bootstrap(precision_at_k(relevant, order, k), groups))
        for k in (1, 5, 10)
    }


def _instance(
    queries: Vectors, gallery: Vectors, own: np.ndarray[Any, Any], groups: np.ndarray[Any, Any]
) -> dict[str, Any]:
    order = ranking(cosine_scores(queries, gallery), k=5)
    relevant = own[:, None] == np.arange(len(gallery))[None, :]
    return {f"instance_r{k}": _figure(bootstrap(recall_at_k(relevant, order, k), groups[own])) for k in (1, 5)}


def _shop(vectors: Vectors, names: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Category and colour together, each shop picture against all the others."""
    others = ~np.eye(len(vectors), dtype=bool)
    order = ranking(cosine_scores(vectors, vectors), others, k=5)
    right = precision_at_k(names[:, None] == names[None, :], order, 5)
    return {"category_colour_p5": _figure(bootstrap(right, np.arange(len(names))))}


def _figure(interval: Interval) -> dict[str, float]:
    return {name: round(value, 4) for name, value in asdict(interval).items()}


def main() -> None:
    """Measure the shipped encoder, with and without the garment mask, and every baseline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--teachers", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=None, help="folder of own models, before the shipped ones")
    parser.add_argument(
        "--out", type=Path, required=True, help="JSON file; models already in it are not measured again"
    )
    parser.add_argument("--only", nargs="*", default=[], help="names of the models to measure; all of them by default")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(arguments.threads)

    def shipped(segmenter: str) -> Callable[[], Describe]:
        def load() -> Describe:
            eye = Embedder.load(arguments.models, segmenter=segmenter, classifier=None, threads=arguments.threads)
            return lambda images: np.stack([sight.vector for sight in eye.see(images)])

        return load

    teachers = arguments.teachers
    models: dict[str, tuple[Callable[[], Describe], bool]] = {
        "similook": (shipped("rembg"), False),
        "similook, no mask": (shipped("none"), False),
        "colour histogram": (lambda: colour_histograms, False),
        "untrained ResNet34": (UntrainedResNet34, True),
        "MobileNetV2 (tf2)": (lambda: ImageNetTeacher(teachers / "tf2_mobilenet_v2_1.0_224_ptq.tflite"), True),
        "MobileNetV2": (lambda: ImageNetTeacher(teachers / "mobilenet_v2_1.0_224_quant.tflite"), True),
    }
    classifier = Classifier.load(find_model("classifier", arguments.models))
    match = Card.load(find_model("resnet34", arguments.models)).match
    results = json.loads(arguments.out.read_text()) if arguments.out.is_file() else {}
    questions = Questions.read(arguments.data)
    for name, (load, centre) in models.items():
        if name not in results and (not arguments.only or name in arguments.only):
            ours = classifier if name.startswith("similook") else None
            results[name] = measure(
                load(), questions, centre, probe=True, classifier=ours, match=match if ours else None
            )
            log.info("%s: %s", name, json.dumps(results[name]))
            arguments.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
