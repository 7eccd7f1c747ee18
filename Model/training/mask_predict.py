"""Garment masks in bulk, without rembg: what a trainer uses to cut out thousands of pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from Model.training.export import open_session
from Model.training.mask_data import Pixels
from Model.training.mask_export import SIDE, run_session

Source = Path | Image.Image | Pixels
BATCH = 8


def opened(source: Source) -> Image.Image:
    """Return a path, Pillow picture or (h, w, 3) array as an RGB picture."""
    if isinstance(source, Path):
        with Image.open(source) as picture:
            return picture.convert("RGB")
    return source.convert("RGB") if isinstance(source, Image.Image) else Image.fromarray(source)


def mask_many(sources: Iterable[Source], model: Path, *, threads: int = 1) -> Iterator[Pixels]:
    """Yield the soft garment mask of each picture, in order, as rembg would make it.

    Args:
        sources: paths, Pillow pictures or uint8 arrays (h, w, 3), of any sizes.
        model: the ONNX file, as in `Model/weights/garment-mask`.
        threads: of ONNX Runtime.
    Yields: (h, w) uint8 in the picture's own size, 255 = garment for sure.
    Raises: OSError: a path is not a readable picture.
    """
    session = open_session(model, threads)
    waiting: list[tuple[Pixels, tuple[int, int]]] = []

    def flush() -> Iterator[Pixels]:
        if waiting:
            masks = run_session(session, np.stack([pixels for pixels, _ in waiting]))
            for mask, (_, size) in zip(masks, waiting, strict=True):
                image = Image.fromarray((mask * 255).astype(np.uint8))
                yield np.asarray(image.resize(size, Image.Resampling.LANCZOS))
            waiting.clear()

    for source in sources:
        picture = opened(source)
        squashed = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
        waiting.append((squashed, picture.size))
        if len(waiting) == BATCH:
            yield from flush()
    yield from flush()
