"""Real features for the search benchmark, and a million made of them.

Every shop picture and photo goes through the encoder as it is (no mask: the shop's stand on white), once per encoder:
the vectors are kept in a cache file named for the encoder's checksum.
"""

import csv
import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from Model.encoders.onnx import OnnxEncoder

SHOP, PHOTOS = "fashion-product-images-small.tar", "clothing-dataset.tar"
_BATCH = 32
_NOISE = 0.25  # of the distance between two pictures of one kind, so that mixtures do not lie on a line


@dataclass(frozen=True)
class Pictures:
    """Vectors of real pictures with what is known of them.

    Shape: vectors (n, dim) float16, unit length; kinds (n,) int64, the article type's or the photo set's number.
    """

    vectors: NDArray[np.float16]
    kinds: NDArray[np.int64]
    kind_names: list[str]
    encoder: str
    encoder_sha256: str

    def __len__(self) -> int:
        return len(self.vectors)

    def split(self, held_out: int, seed: int) -> tuple["Pictures", NDArray[np.float32]]:
        """Return the pictures without some drawn at random, and the vectors of those, to be used as queries."""
        order = np.random.default_rng(seed).permutation(len(self))
        kept = np.sort(order[held_out:])
        queries = self.vectors[order[:held_out]].astype(np.float32)
        rest = replace(self, vectors=self.vectors[kept], kinds=self.kinds[kept])
        return rest, queries / np.linalg.norm(queries, axis=1, keepdims=True)


def load_pictures(shared: Path, encoder_folder: Path, cache: Path) -> Pictures:
    """Return the vectors of all pictures, from the cache or made now.

    Args:
        shared: Folder that holds data/*.tar.
        encoder_folder: Folder with card.json and the ONNX file.
        cache: Folder for the vectors.
    """
    encoder = OnnxEncoder(encoder_folder, threads=os.cpu_count() or 1)
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"features-{encoder.card.sha256[:12]}.npz"
    if not path.is_file():
        vectors, kinds = _embed_all(shared / "data", encoder)
        names = sorted(set(kinds))
        codes = np.array([names.index(kind) for kind in kinds], np.int64)
        np.savez(path, vectors=vectors, kinds=codes, names=np.array(names))
    with np.load(path) as saved:
        names = [str(name) for name in saved["names"]]
        source = f"{encoder.card.name} {encoder.card.sha256[:12]} ({encoder.card.source})"
        return Pictures(saved["vectors"], saved["kinds"], names, source, encoder.card.sha256)


def _embed_all(data: Path, encoder: OnnxEncoder) -> tuple[NDArray[np.float16], list[str]]:
    vectors: list[NDArray[np.float16]] = []
    kinds: list[str] = []
    images: list[Image.Image] = []
    for kind, image in _pictures(data):
        kinds.append(kind)
        images.append(image)
        if len(images) == _BATCH:
            vectors.append(encoder.embed(images).astype(np.float16))
            images.clear()
            if len(kinds) % 3200 == 0:
                print(f"  embedded {len(kinds)}", flush=True)
    if images:
        vectors.append(encoder.embed(images).astype(np.float16))
    return np.concatenate(vectors), kinds


def _pictures(data: Path) -> Iterator[tuple[str, Image.Image]]:
    """Yield (kind, picture) of the shop set and of the photo set."""
    with tarfile.open(data / SHOP) as tar:
        table = io.TextIOWrapper(tar.extractfile("styles.csv") or io.BytesIO(), "utf-8")
        types = {row["id"]: row["articleType"] for row in csv.DictReader(table)}
    for name in (SHOP, PHOTOS):
        with tarfile.open(data / name) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.name.endswith(".jpg") else None
                if file is not None:
                    image = Image.open(io.BytesIO(file.read()))
                    image.draft("RGB", (448, 448))
                    kind = types.get(Path(member.name).stem, "unknown") if name == SHOP else "photo"
                    yield kind, image.convert("RGB")


def mixtures(
    pictures: Pictures, count: int, seed: int, batch: int = 20_000
) -> Iterator[tuple[NDArray[np.float16], NDArray[np.int64]]]:
    """Yield the pictures and then mixtures of two of one kind with noise, count in all: unit vectors and their kinds.

    The noise is a part of the difference of two other pictures of the same kind, so it has the features' own shape.
    """
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(pictures.kinds == kind) for kind in range(len(pictures.kind_names))]
    made = min(count, len(pictures))
    yield pictures.vectors[:made], pictures.kinds[:made]
    while made < count:
        size = min(batch, count - made)
        first = rng.integers(0, len(pictures), size)
        same = [groups[kind] for kind in pictures.kinds[first].tolist()]
        others = np.array([group[rng.integers(0, len(group), 3)] for group in same])
        a = pictures.vectors[first].astype(np.float32)
        b, c, d = (pictures.vectors[others[:, column]].astype(np.float32) for column in range(3))
        share = rng.uniform(0.1, 0.5, (size, 1)).astype(np.float32)
        mixed = (1 - share) * a + share * b + _NOISE * (c - d)
        yield (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float16), pictures.kinds[first]
        made += size
