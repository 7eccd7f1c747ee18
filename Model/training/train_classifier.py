"""Train a classifier on a shop's own labels: frozen features in, a model folder with its card out.

The folder is replaced in one step at the very end, so whatever goes wrong before that (a label with one picture, a
full disk, Ctrl-C) leaves the served classifier as it was. A run that was cut short goes on where it stopped: features
are kept beside the checkpoint.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from sklearn.model_selection import StratifiedGroupKFold

from Model.card import Card, sha256_hex
from Model.embedder import Embedder
from Model.errors import ModelError, SplitInvalid, TrainingError
from Model.metrics import accuracy, confusion_matrix, expected_calibration_error, macro_f1
from Model.training.examples import Features, check_labels, embed_examples, read_examples, write_atomically
from Model.training.export import check_same, export_onnx
from Model.training.mlp import FitOptions, Floats, Ints, Mlp, best_temperature, doubt_threshold, fit, logits_of, softmax
from Model.training.report import confusion_csv, confusion_png
from Model.weights import publish

log = logging.getLogger(__name__)

CHECKPOINT = "checkpoint.pt"
FEATURES = "features.npz"


@dataclass(frozen=True)
class Source:
    """Where the training pictures come from, for the card."""

    licence: str = ""
    source: str = ""
    trained_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trained:
    """A fitted classifier and what was measured on the validation side.

    Args:
        truth, predicted: of the validation pictures, as indices into `labels`.
    """

    network: Mlp
    labels: tuple[str, ...]
    temperature: float
    min_probability: float
    metrics: dict[str, float]
    truth: Ints = field(repr=False)
    predicted: Ints = field(repr=False)


class Seen(Protocol):
    """What is needed of a Model.embedder.Sight."""

    @property
    def vector(self) -> Floats: ...


class Eye(Protocol):
    """What is needed of a Model.embedder.Embedder."""

    @property
    def embedder_id(self) -> str: ...

    def see(self, images: Sequence[Image.Image]) -> Sequence[Seen]:
        """Return what each picture shows."""


def split_features(features: Features, seed: int) -> tuple[Ints, Ints]:
    """Return the rows to train on and to validate on.

    The examples' own split counts where they all have one; otherwise a fifth is held back, stratified by label, no
    group on both sides.

    Raises:
        SplitInvalid: a group on both sides of a given split, an empty side, or too few groups to make one.
    """
    splits, groups = np.array(features.splits), np.array(features.groups)
    if all(features.splits):
        train, held = np.flatnonzero(splits == "train"), np.flatnonzero(splits == "val")
        if shared := sorted(set(groups[train]) & set(groups[held])):
            raise SplitInvalid(f"The group {shared[0]!r} is on both sides of the split: put all of it on one side.")
    else:
        if len(set(features.groups)) < 5:
            raise SplitInvalid("A split needs pictures of at least five groups: add more, or give a split column.")
        if max(Counter(features.labels).values()) < 5:
            raise SplitInvalid("A split needs a label with at least five pictures: add more, or give a split column.")
        folds = StratifiedGroupKFold(n_splits=5, shuffle=True, random_state=seed)
        train, held = next(iter(folds.split(features.vectors, features.labels, groups)))
    if len(train) == 0 or len(held) == 0:
        raise SplitInvalid("One side of the split is empty: give both train and val rows.")
    return train.astype(np.int64), held.astype(np.int64)


def train_on_features(
    features: Features, options: FitOptions, labels: tuple[str, ...] | None = None, work: Path | None = None
) -> Trained:
    """Fit, calibrate and measure a classifier on frozen features.

    Args:
        labels: the classes and their order; None for the sorted labels of the features.
        work: folder for the checkpoint of each epoch; None for none.
    Raises:
        LabelsInvalid, SplitInvalid, CheckpointInvalid, TrainingError.
    """
    check_labels(features.labels, labels)
    names = labels or tuple(sorted(set(features.labels)))
    index = {name: at for at, name in enumerate(names)}
    truth = np.array([index[label] for label in features.labels], dtype=np.int64)
    train, held = split_features(features, options.seed)
    torch.manual_seed(options.seed)
    network = Mlp(features.vectors.shape[1], len(names))
    checkpoint = work / CHECKPOINT if work is not None else None

    def keep(content: bytes, epoch: int) -> None:
        if checkpoint is not None and epoch % 5 == 4:
            write_atomically(checkpoint, content)

    fitted = fit(
        network,
        (features.vectors[train], truth[train]),
        (features.vectors[held], truth[held]),
        options,
        resume=checkpoint.read_bytes() if checkpoint is not None and checkpoint.is_file() else None,
        on_epoch=keep,
    )
    logits = logits_of(network, features.vectors[held])
    temperature = best_temperature(logits, truth[held])
    probabilities = softmax(logits, temperature)
    return Trained(
        network=network,
        labels=names,
        temperature=temperature,
        min_probability=doubt_threshold(probabilities, truth[held]),
        metrics=_measure(probabilities, truth[held], len(names))
        | {"train_examples": float(len(train)), "validation_examples": float(len(held))}
        | fitted,
        truth=truth[held],
        predicted=probabilities.argmax(axis=1).astype(np.int64),
    )


def _measure(probabilities: Floats, truth: Ints, classes: int) -> dict[str, float]:
    predicted = probabilities.argmax(axis=1)
    return {
        "accuracy": accuracy(truth, predicted),
        "macro_f1": macro_f1(truth, predicted, classes),
        "ece": expected_calibration_error(probabilities, truth),
    }


def publish_classifier(trained: Trained, folder: Path, source: Source, name: str = "classifier") -> Card:
    """Export, check against torch, and put the classifier into its folder in one step.

    Writes confusion.png and confusion.csv beside the model.

    Raises:
        TrainingError: ONNX and torch differ, or the disk is full; the old classifier is untouched.
    """
    dim = trained.network.hidden.in_features
    with tempfile.TemporaryDirectory() as scratch:
        file = export_onnx(trained.network, torch.randn(2, dim), Path(scratch) / "model.onnx", "embedding", "logits")
        probe = np.random.default_rng(0).standard_normal((8, dim)).astype(np.float32)
        check_same(trained.network, file, probe / np.linalg.norm(probe, axis=1, keepdims=True))
        model = file.read_bytes()
    card = Card(
        format=1,
        name=name,
        kind="classifier",
        sha256=sha256_hex(model),
        input_name="embedding",
        dim=dim,
        labels=trained.labels,
        temperature=trained.temperature,
        min_probability=trained.min_probability,
        licence=source.licence,
        source=source.source,
        trained_on=source.trained_on,
        metrics={key: round(value, 4) for key, value in trained.metrics.items()},
    )
    matrix = confusion_matrix(trained.truth, trained.predicted, len(trained.labels))
    pictures = {
        "confusion.csv": confusion_csv(matrix, trained.labels).encode(),
        "confusion.png": confusion_png(matrix, trained.labels),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".confusion-") as waiting:
            # Written before the model, so that a full disk is noticed, and moved to their places after it.
            for file_name, content in pictures.items():
                (Path(waiting) / file_name).write_bytes(content)
            published = publish(card, model, folder)
            for file_name in pictures:
                (Path(waiting) / file_name).replace(folder / file_name)
        return published
    except OSError as error:
        raise TrainingError(f"{folder} cannot be written ({error.strerror}): the old classifier stays.") from error


def train_classifier(
    data: Path,
    folder: Path,
    embedder: Eye,
    options: FitOptions | None = None,
    further: bool = False,
    source: Source | None = None,
) -> Card:
    """Train a classifier on labelled pictures and put it into its folder.

    Args:
        data: a manifest CSV, or a folder with one subfolder per class.
        folder: of the classifier that is served, such as models/classifier; made where missing.
        embedder: computes the frozen features, in the way that the service does.
        further: keep the labels of the classifier in `folder` and their order; a label it lacks is refused.
    Returns:
        The new card, with accuracy, macro F1 and calibration error on the validation side.
    Raises:
        TrainingError and its kinds: one sentence each; the folder is untouched.
        ModelNotFound, CardInvalid: `further`, and the folder holds no classifier.
        KeyboardInterrupt: the same call goes on from the last checkpoint.
    """
    options = options or FitOptions()
    examples = read_examples(data)
    known = Card.load(folder).labels if further else None
    check_labels([example.label for example in examples], known)
    work = folder.parent / f".{folder.name}.training"
    rows = json.dumps([(str(each.image), each.label, each.group, each.split) for each in examples])
    run = {"data": str(data.resolve()), "options": asdict(options), "embedder": embedder.embedder_id, "labels": known}
    _forget_other_run(work, run | {"examples": sha256_hex(rows.encode())})
    try:
        features = embed_examples(
            examples,
            lambda images: np.stack([sight.vector for sight in embedder.see(images)]),
            embedder.embedder_id,
            work / FEATURES,
        )
        trained = train_on_features(features, options, known, work)
    except KeyboardInterrupt:
        log.warning("Interrupted: the same command goes on from here; the served classifier is unchanged.")
        raise
    described = source or Source(source=f"trained on {data.name}", trained_on=(data.name,))
    card = publish_classifier(trained, folder, described, folder.name)
    (work / CHECKPOINT).unlink(missing_ok=True)
    return card


def _forget_other_run(work: Path, run: Mapping[str, object]) -> None:
    """Delete the checkpoint of a run with other data, labels, embedder or options; features know what they are of."""
    facts = json.dumps(run, sort_keys=True)
    note = work / "run.json"
    if note.is_file() and note.read_text(encoding="utf-8") != facts:
        (work / CHECKPOINT).unlink(missing_ok=True)
    write_atomically(note, facts.encode())


def main() -> None:
    """Train a classifier from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="manifest CSV, or a folder with one folder per class")
    parser.add_argument("--out", type=Path, required=True, help="the classifier's model folder")
    parser.add_argument("--models", type=Path, default=None, help="folder of own models, before the shipped ones")
    parser.add_argument("--further", action="store_true", help="keep the labels of the classifier that is there")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(arguments.threads)
    options = FitOptions(seed=arguments.seed)
    try:
        embedder = Embedder.load(arguments.models, classifier=None, threads=arguments.threads)
        card = train_classifier(arguments.data, arguments.out, embedder, options, arguments.further)
    except ModelError as error:
        parser.exit(1, f"{error}\n")
    log.info("%s: %s", arguments.out, json.dumps(card.metrics))


if __name__ == "__main__":
    main()
