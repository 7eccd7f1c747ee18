"""The default classifier, on the thirteen classes: features of the published sets' pictures, in several views.

A photo counts whole, with its mask as the service shows it to the encoder, and in a few mild random views; street
crops and shop pictures add what the photos lack, bags above all, and what is worn counts as a customer crops it.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import torch

from Model.card import Card
from Model.metrics import accuracy
from Model.training.augment import Strength, views
from Model.training.datasets import PictureSet, make_vocabulary
from Model.training.examples import Features, Vectors
from Model.training.export import open_session, run_onnx
from Model.training.labels import CLASSES
from Model.training.mlp import FitOptions
from Model.training.stage import normalise
from Model.training.train_classifier import Source, Trained, publish_classifier, train_on_features

log = logging.getLogger(__name__)

MILD = Strength(turn=10, zoom=(0.9, 1.25), stretch=1.1, shift=0.08, tilt=0.06, light=0.2, tint=0.04, erase=0.1)
RATE, BATCH = 3e-4, 1024
"""Of so many views; faster or in smaller steps, the best epoch is one of the first, and luck decides which."""
SHOP_PER_CLASS = {"train": 200, "val": 25}
SOURCE = Source(
    licence="MIT; trained on CC0-1.0, Apache-2.0 and MIT pictures",
    source="trained on the shipped encoder's vectors by Model/training/recipe.py",
    trained_on=("clothing-dataset (CC0-1.0)", "clothing-co-parsing (Apache-2.0)", "fashion-product-images-small (MIT)"),
)


class CacheEmbedder:
    """Embeds rows of the cache with a served encoder."""

    def __init__(self, folder: Path, threads: int, seed: int) -> None:
        self.card = Card.load(folder)
        self._session = open_session(self.card.model_path(folder), threads)
        self._generator = torch.Generator().manual_seed(seed)

    def plain(self, source: PictureSet, rows: np.ndarray) -> Vectors:
        """Return vectors of the pictures and their masks as they are."""
        return self._embed(source, rows, strength=None)

    def varied(self, source: PictureSet, rows: np.ndarray) -> Vectors:
        """Return vectors of one mild random view of each picture."""
        return self._embed(source, rows, strength=MILD)

    def _embed(self, source: PictureSet, rows: np.ndarray, strength: Strength | None) -> Vectors:
        size, parts = self.card.input_size[0], []
        for at in range(0, len(rows), 32):
            pictures = source.pictures(rows[at : at + 32], size)
            masks = pictures[:, 3:]
            if strength is not None:
                pictures, masks = views(pictures, size, strength, self._generator), torch.ones_like(masks)
            seen = torch.cat([normalise(pictures[:, :3], "resnet34"), masks], dim=1)
            parts.append(run_onnx(self._session, seen.contiguous().numpy()))
        return np.concatenate(parts)


def collect_features(cache: Path, embedder: CacheEmbedder, seed: int, random_views: int = 2) -> Features:
    """Return labelled features of all sets; the validation side holds plain pictures alone, each once.

    A group's name begins with its set's.

    Args:
        random_views: mild random views of each training photo, besides its plain ones.
    """
    vocabulary = make_vocabulary(json.loads((cache / "shop.json").read_text(encoding="utf-8")))
    random = np.random.default_rng(seed)
    vectors: list[Vectors] = []
    labels: list[str] = []
    groups: list[str] = []
    splits: list[str] = []

    def add(source: PictureSet, rows: np.ndarray, found: Vectors, split: str) -> None:
        vectors.append(found)
        labels.extend(source.records[row]["label"] for row in rows)
        groups.extend(f"{source.name}-{source.records[row]['group']}" for row in rows)
        splits.extend([split] * len(rows))

    served = "garments" if (cache / "garments.json").exists() else "photos"
    worn = ("worn",) if (cache / "worn.json").exists() else ()
    for split in ("train", "val"):
        for name in dict.fromkeys(("photos", served, "street", *worn, "shop")):
            source = PictureSet(cache, name, vocabulary, split)
            rows = np.flatnonzero(source.labels["category"] >= 0)
            if name == "shop":
                rows = _at_most(source, rows, SHOP_PER_CLASS[split], random)
            if split == "val" and (name == "street" or (name == "photos" and served != "photos")):
                continue  # the validation side counts each photo once, as it is served
            add(source, rows, embedder.plain(source, rows), split)
            if split == "train" and name not in ("shop", "worn"):
                for _ in range(random_views):
                    add(source, rows, embedder.varied(source, rows), split)
            log.info("embedded %s %s: %d", split, name, len(rows))
    return Features(np.concatenate(vectors), labels, groups, splits)


def _at_most(source: PictureSet, rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    classes = source.labels["category"][rows]
    shuffled = [random.permutation(rows[classes == label])[:count] for label in np.unique(classes)]
    return np.concatenate(shuffled)


def train_shipped_classifier(
    cache: Path, encoder: Path, folder: Path, threads: int = 1, seed: int = 7, random_views: int = 2
) -> Card:
    """Train the default classifier for a served encoder and put it into its folder.

    Args:
        random_views: mild random views of each training photo, besides its plain ones.
    Raises:
        TrainingError: the folder is untouched.
    """
    features = collect_features(cache, CacheEmbedder(encoder, threads, seed), seed, random_views)
    trained = train_on_features(features, FitOptions(seed=seed, rate=RATE, batch=BATCH), labels=CLASSES)
    held = [group for group, split in zip(features.groups, features.splits, strict=True) if split == "val"]
    metrics = {}
    for name, sets in {"photos_of_unseen_senders": ("photos-", "garments-"), "worn_garments": ("worn-",)}.items():
        those = np.array([group.startswith(sets) for group in held])
        if those.any():
            metrics[f"accuracy_{name}"] = accuracy(trained.truth[those], trained.predicted[those])
    described = Trained(
        network=trained.network,
        labels=trained.labels,
        temperature=trained.temperature,
        min_probability=trained.min_probability,
        metrics=metrics | trained.metrics,
        truth=trained.truth,
        predicted=trained.predicted,
    )
    return publish_classifier(described, folder, SOURCE)
