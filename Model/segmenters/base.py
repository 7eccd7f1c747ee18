"""What a segmenter is, and the list of those there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from Model.errors import UnknownName

Mask = npt.NDArray[np.uint8]


class Segmenter(Protocol):
    """Finds worn and carried things in pictures.

    Attributes:
        identity: changes whenever the masks may change: made of the model file's sha256, or a fixed word.
        file: sha256 of the model file; None where it has none.
        min_coverage: share of a picture, 0..1, that a mask must cover to be a garment.
    """

    @property
    def identity(self) -> str: ...

    @property
    def file(self) -> str | None: ...

    @property
    def min_coverage(self) -> float: ...

    def masks(self, images: Sequence[Image.Image]) -> list[Mask]:
        """Return one mask per picture: 0 is background, 255 garment, between them a soft edge.

        Args:
            images: RGB, at most 640 px on the long side.
        Returns:
            (H, W) uint8 each, of its picture's size. All zero where nothing was found.
        """
        ...


Loader = Callable[[Path | None, int], Segmenter]
"""Makes a segmenter from its model folder (None where it has none) and a number of threads."""

_LOADERS: dict[str, tuple[str | None, Loader]] = {}


def register(name: str, folder: str | None = None) -> Callable[[Loader], Loader]:
    """List a segmenter under a name, with the model folder that it reads by default.

    Raises:
        ValueError: the name is taken.
    """

    def add(loader: Loader) -> Loader:
        if name in _LOADERS:
            raise ValueError(f"There are two segmenters named {name!r}: rename one.")
        _LOADERS[name] = (folder, loader)
        return loader

    return add


def get(name: str) -> tuple[str | None, Loader]:
    """Return a listed segmenter's default model folder and loader.

    Raises:
        UnknownName: it is not listed; the message lists the choices.
    """
    try:
        return _LOADERS[name]
    except KeyError:
        raise UnknownName(f"There is no segmenter {name!r}: choose {', '.join(names())}, or a model folder.") from None


def names() -> list[str]:
    """Return the names of the listed segmenters."""
    return sorted(_LOADERS)
