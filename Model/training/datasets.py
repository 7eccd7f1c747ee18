"""Batches out of the cache: pictures of several sets in fixed shares, with every label that each set knows.

A label of -1 means "not known": the loss of that head skips the picture.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from Model.training.files import written_whole
from Model.training.labels import CLASSES, STREET_GARMENTS

UNKNOWN = -1
WORDS = 400


@dataclass(frozen=True)
class Vocabulary:
    """The names behind each head's outputs."""

    types: tuple[str, ...]
    colours: tuple[str, ...]
    genders: tuple[str, ...]
    tags: tuple[str, ...]
    words: tuple[str, ...]

    def sizes(self) -> dict[str, int]:
        """Return the number of outputs of each head."""
        return {
            "category": len(CLASSES),
            "type": len(self.types),
            "colour": len(self.colours),
            "gender": len(self.genders),
            "tag": len(self.tags),
        }


def make_vocabulary(shop: list[dict[str, str]]) -> Vocabulary:
    """Return types and colours that occur at least 20 times in the shop, and its most frequent title words."""

    def frequent(key: str) -> tuple[str, ...]:
        return tuple(sorted(name for name, n in Counter(record[key] for record in shop).items() if n >= 20 and name))

    counts = Counter(word for record in shop for word in set(title_words(record["title"])))
    words = tuple(word for word, _ in counts.most_common(WORDS))
    return Vocabulary(frequent("type"), frequent("colour"), frequent("gender"), tuple(sorted(STREET_GARMENTS)), words)


def title_words(title: str) -> list[str]:
    """Return the lower-case words of a title that hold letters only."""
    return [word for word in title.lower().replace("-", " ").split() if word.isalpha() and len(word) > 2]


@dataclass
class Batch:
    """Pictures with alpha, and labels; `item` is unique per picture.

    Shape: pictures (n, 4, h, w) in [0, 1]; each label (n,) int64; words (n, WORDS), row of -1 where unknown.
    """

    pictures: Tensor
    labels: dict[str, Tensor]
    words: Tensor
    item: Tensor


class PictureSet:
    """One cached set, held in memory at two sizes.

    Args:
        folder: cache folder.
        name: "photos", "street", "shop", "garments" or "worn".
        split: "train", "val" or "" for both.
    """

    def __init__(self, folder: Path, name: str, vocabulary: Vocabulary, split: str = "train") -> None:
        records = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        keep = np.array([index for index, record in enumerate(records) if not split or record["split"] == split])
        self.name = name
        self.records = [records[index] for index in keep]
        self.rows = keep
        self.full: NDArray[np.uint8] = np.load(folder / f"{name}.npy", mmap_mode="r")
        half = folder / f"{name}_half.npy"
        self.half: NDArray[np.uint8] = np.load(half, mmap_mode="r") if half.exists() else self.full
        self.labels = {head: self._indices(head, names) for head, names in _heads(vocabulary).items()}
        self.words = self._word_rows(vocabulary)

    def _indices(self, head: str, names: tuple[str, ...]) -> NDArray[np.int64]:
        key = "label" if head == "category" else head
        index = {name: at for at, name in enumerate(names)}
        return np.array([index.get(record.get(key, ""), UNKNOWN) for record in self.records])

    def _word_rows(self, vocabulary: Vocabulary) -> NDArray[np.int8]:
        index = {word: at for at, word in enumerate(vocabulary.words)}
        rows = np.full((len(self.records), len(vocabulary.words)), UNKNOWN, np.int8)
        for row, record in zip(rows, self.records, strict=True):
            if "title" in record:
                row[:] = 0
                row[[index[word] for word in title_words(record["title"]) if word in index]] = 1
        return rows

    def __len__(self) -> int:
        return len(self.records)

    def only(self, chosen: NDArray[np.int64]) -> PictureSet:
        """Return the set of these pictures alone, sharing the memory."""
        part = copy.copy(self)
        part.records = [self.records[at] for at in chosen]
        part.rows, part.words = self.rows[chosen], self.words[chosen]
        part.labels = {head: values[chosen] for head, values in self.labels.items()}
        return part

    def weights(self, unlabelled: float = 0.3) -> NDArray[np.float64]:
        """Return sampling weights: each class counts with the root of its size; no class, `unlabelled` of a picture."""
        names = [record.get("type") or record.get("label") or record.get("tag") or "" for record in self.records]
        counts = Counter(names)
        weights = np.array([unlabelled if not name else counts[name] ** -0.5 for name in names])
        known = np.array([bool(name) for name in names])
        weights[known] /= weights[known].mean()
        return weights / weights.sum()

    def pictures(self, indices: NDArray[np.int64], size: int) -> Tensor:
        """Return pictures resized to (n, 4, size, size) in [0, 1], from the nearest cached level."""
        source = self.half if size <= self.half.shape[1] else self.full
        batch = torch.from_numpy(source[self.rows[indices]]).permute(0, 3, 1, 2).float().div_(255)
        if batch.shape[-1] != size:
            batch = F.interpolate(batch, size=(size, size), mode="bilinear", antialias=batch.shape[-1] > size)
        return batch


def over_white(pictures: Tensor) -> Tensor:
    """Return pictures without alpha, white where a known mask leaves out. Shape: (n, 4, h, w) -> (n, 3, h, w)."""
    return pictures[:, :3] * pictures[:, 3:] + 1 - pictures[:, 3:]


def _heads(vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    return {
        "category": CLASSES,
        "type": vocabulary.types,
        "colour": vocabulary.colours,
        "gender": vocabulary.genders,
        "tag": vocabulary.tags,
    }


def write_half_sizes(folder: Path) -> None:
    """Write each large set once more at half its side, by exact 2x2 means."""
    for name in ("photos", "street", "garments", "worn"):
        target = folder / f"{name}_half.npy"
        if target.exists() or not (folder / f"{name}.npy").exists():
            continue
        full = np.load(folder / f"{name}.npy", mmap_mode="r")
        n, side, _, channels = full.shape
        half = np.empty((n, side // 2, side // 2, channels), np.uint8)
        for start in range(0, n, 128):
            block = full[start : start + 128].astype(np.uint16)
            half[start : start + 128] = block.reshape(-1, side // 2, 2, side // 2, 2, channels).mean(axis=(2, 4)) + 0.5
        with written_whole(target) as part:
            np.save(part, half)


class Mixer:
    """Draws batches from several sets in fixed shares.

    Args:
        sets: the sets and how many pictures of each go into a batch.
        size: side at which pictures are handed to the augmentation.
        seed: of the draw.
    """

    def __init__(self, sets: list[tuple[PictureSet, int]], size: int, seed: int) -> None:
        self.sets, self.size = sets, size
        self.random = np.random.default_rng(seed)
        self._weights = [picture_set.weights() for picture_set, _ in sets]

    def draw(self) -> Batch:
        """Return the next batch; no picture occurs twice in it."""
        pictures, labels, words, items, offset = [], [], [], [], 0
        for (source, count), weights in zip(self.sets, self._weights, strict=True):
            chosen = self.random.choice(len(source), size=count, replace=False, p=weights)
            pictures.append(source.pictures(chosen, self.size))
            labels.append({head: torch.from_numpy(values[chosen]) for head, values in source.labels.items()})
            words.append(torch.from_numpy(source.words[chosen]))
            items.append(torch.from_numpy(chosen + offset))
            offset += len(source)
        merged = {head: torch.cat([part[head] for part in labels]) for head in labels[0]}
        return Batch(torch.cat(pictures), merged, torch.cat(words), torch.cat(items))
