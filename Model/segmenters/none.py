"""The segmenter that takes the whole picture for the garment: for catalogues that are cut out already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from Model.segmenters.base import Mask, register


class WholePicture:
    """Masks that are 255 everywhere."""

    identity = "none"
    file = None
    min_coverage = 0.0

    def masks(self, images: Sequence[Image.Image]) -> list[Mask]:
        """Return a full mask for each picture."""
        return [np.full((image.height, image.width), 255, dtype=np.uint8) for image in images]


@register("none")
def load_none(folder: Path | None, threads: int) -> WholePicture:
    """Make the segmenter; folder and threads are not needed."""
    del folder, threads
    return WholePicture()
