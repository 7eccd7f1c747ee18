"""Labelled pictures to train a classifier on: from a manifest or a folder per class, and their frozen features.

A manifest is a CSV with a header: `image` (path, relative to the manifest) and `label`, and where they are known
`group` (what must not be split apart, such as a product or a sender) and `split` (train or val).
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from Model.errors import ImageError, LabelsInvalid, TrainingError
from Model.preprocess import load
from Model.training.files import written_whole

log = logging.getLogger(__name__)

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif", ".gif"})
CHUNK = 32

Vectors = npt.NDArray[np.float32]
Embed = Callable[[Sequence[Image.Image]], Vectors]


@dataclass(frozen=True)
class Example:
    """A labelled picture.

    Args:
        image: path of the file.
        label: category slug.
        group: examples of one group are never on both sides of a split.
        split: "train", "val", or "" to be decided.
    """

    image: Path
    label: str
    group: str
    split: str = ""


@dataclass(frozen=True)
class Features:
    """Frozen features of labelled pictures.

    Shape: vectors (n, dim) float32 of unit length; labels, groups and splits n each.
    """

    vectors: Vectors
    labels: list[str]
    groups: list[str]
    splits: list[str]
    unreadable: int = 0


def read_examples(source: Path) -> list[Example]:
    """Return the examples of a manifest file or of a folder that has one subfolder per class.

    Raises:
        TrainingError: there is no such file or folder, or no picture in it.
        LabelsInvalid: fewer than two labels, or a label with a single picture.
    """
    if source.is_dir():
        examples = [
            Example(path, path.parent.name, str(path.relative_to(source)))
            for path in sorted(source.glob("*/*"))
            if path.suffix.lower() in PICTURES
        ]
    elif source.is_file():
        examples = _read_manifest(source)
    else:
        raise TrainingError(f"{source} does not exist: give a manifest CSV or a folder with one subfolder per class.")
    if not examples:
        raise TrainingError(f"{source} holds no labelled picture: give a manifest CSV or a folder per class.")
    check_labels([example.label for example in examples])
    return examples


def check_labels(labels: Sequence[str], known: Sequence[str] | None = None) -> None:
    """Refuse labels that cannot be learned or told apart.

    Args:
        known: the classes of a model that is trained further; None where a new one is made.
    Raises:
        LabelsInvalid: see the message.
    """
    counts = Counter(labels)
    if len(counts) < 2:
        raise LabelsInvalid("There is only one label: a classifier needs pictures of at least two.")
    if lonely := sorted(label for label, count in counts.items() if count < 2):
        raise LabelsInvalid(f"The label {lonely[0]!r} has only one picture: add at least one more, or leave it out.")
    if known is not None and (foreign := sorted(set(counts) - set(known))):
        raise LabelsInvalid(
            f"The label {foreign[0]!r} is not a class of the model that is trained further "
            f"({', '.join(known)}): train a new classifier instead."
        )


def _read_manifest(path: Path) -> list[Example]:
    try:
        return _rows(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"{path} is no CSV in UTF-8 ({error}): save it as one.") from error


def _rows(path: Path) -> list[Example]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames is None or not {"image", "label"} <= set(reader.fieldnames):
            raise TrainingError(f"{path} has no columns named image and label: add a header line.")
        return [
            Example(
                image=path.parent / row["image"],
                label=row["label"].strip(),
                group=(row.get("group") or row["image"]).strip(),
                split=(row.get("split") or "").strip(),
            )
            for row in reader
            if row["image"] and (row["label"] or "").strip()
        ]


def embed_examples(
    examples: Sequence[Example], embed: Embed, embedder_id: str, cache: Path | None = None, flips: bool = True
) -> Features:
    """Return the features of all readable pictures; what cannot be read is counted and left out.

    Args:
        embed: pictures to unit vectors, `lambda images: [sight.vector for sight in embedder.see(images)]` for one.
        embedder_id: of what `embed` computes: features of another one in the cache are not used.
        cache: file to keep features in, written after every few pictures, so that an interrupted run goes on.
        flips: embed each picture's mirror image as well, as a second example of the same group.
    Raises:
        TrainingError: no picture is readable, or the cache cannot be written.
        LabelsInvalid: a label keeps fewer than two readable pictures.
    """
    known = _read_cache(cache, embedder_id, flips)
    unreadable: set[int] = set()
    for start in range(0, len(examples), CHUNK):
        missing = [i for i in range(start, min(start + CHUNK, len(examples))) if _key(examples[i]) not in known]
        opened = {i: picture for i in missing if (picture := _open(examples[i].image)) is not None}
        unreadable |= set(missing) - set(opened)
        if opened:
            pictures = list(opened.values())
            turned = [picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for picture in pictures] if flips else []
            vectors = np.asarray(embed([*pictures, *turned]), dtype=np.float32)
            for at, index in enumerate(opened):
                known[_key(examples[index])] = vectors[at :: len(opened)]
            if cache is not None and (start // CHUNK) % 10 == 9:
                _write_cache(cache, embedder_id, flips, known)
    if cache is not None:
        _write_cache(cache, embedder_id, flips, known)
    readable = [example for index, example in enumerate(examples) if index not in unreadable]
    if unreadable:
        first = examples[min(unreadable)].image
        log.warning(
            "%d of %d pictures cannot be read and are left out; %s is the first", len(unreadable), len(examples), first
        )
    if not readable:
        raise TrainingError(f"None of the {len(examples)} pictures can be read: check the paths in the manifest.")
    check_labels([example.label for example in readable])
    rows = [known[_key(example)] for example in readable]
    repeated = [example for example, vectors in zip(readable, rows, strict=True) for _ in vectors]
    return Features(
        vectors=np.concatenate(rows),
        labels=[example.label for example in repeated],
        groups=[example.group for example in repeated],
        splits=[example.split for example in repeated],
        unreadable=len(unreadable),
    )


def _open(path: Path) -> Image.Image | None:
    try:
        return load(path.read_bytes())
    except (OSError, ImageError) as error:
        log.info("%s: %s", path, error)
        return None


def _key(example: Example) -> str:
    """Return a name for the file as it is now: a changed picture is embedded again."""
    try:
        status = example.image.stat()
    except OSError:
        return f"missing:{example.image}"
    return hashlib.sha256(f"{example.image.resolve()}|{status.st_size}|{status.st_mtime_ns}".encode()).hexdigest()[:24]


def _read_cache(cache: Path | None, embedder_id: str, flips: bool) -> dict[str, Vectors]:
    if cache is None or not cache.is_file():
        return {}
    try:
        # numpy leaves a file that it cannot read open, if it opened it.
        with cache.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            if str(saved["embedder_id"]) != embedder_id or bool(saved["flips"]) != flips:
                return {}
            return dict(zip(saved["keys"].tolist(), saved["vectors"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        log.warning("%s cannot be read: every picture is embedded again", cache)
        return {}


def _write_cache(cache: Path, embedder_id: str, flips: bool, known: dict[str, Vectors]) -> None:
    if not known:
        return
    buffer = io.BytesIO()
    np.savez(
        buffer,
        embedder_id=np.array(embedder_id),
        flips=np.array(flips),
        keys=np.array(list(known)),
        vectors=np.stack(list(known.values())),
    )
    write_atomically(cache, buffer.getvalue())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or the next run, sees all of it or the old one.

    Raises:
        TrainingError: the disk is full or the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as part:
            part.write_bytes(content)
    except OSError as error:
        raise TrainingError(f"{path} cannot be written ({error.strerror}): free some space or choose --out.") from error
