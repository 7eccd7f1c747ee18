"""What an encoder is, and the list of those there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from Model.card import Card
from Model.errors import UnknownName

Vectors = npt.NDArray[np.float32]


class Encoder(Protocol):
    """Turns pictures into unit vectors."""

    @property
    def card(self) -> Card:
        """What the model's folder says: dim, framing, background, match."""
        ...

    def embed(self, images: Sequence[Image.Image]) -> Vectors:
        """Return one vector of unit length per picture.

        Args:
            images: RGB, any size; RGBA, with the garment mask as alpha, where the card's background is alpha.
        Returns:
            (n, card.dim) float32.
        """
        ...


Loader = Callable[[Path, int], Encoder]
"""Makes an encoder from its model folder and a number of threads."""

_LOADERS: dict[str, Loader] = {}


def register(name: str) -> Callable[[Loader], Loader]:
    """List an encoder under a name; its model folder has the same name.

    Raises:
        ValueError: the name is taken.
    """

    def add(loader: Loader) -> Loader:
        if name in _LOADERS:
            raise ValueError(f"There are two encoders named {name!r}: rename one.")
        _LOADERS[name] = loader
        return loader

    return add


def get(name: str) -> Loader:
    """Return a listed encoder's loader.

    Raises:
        UnknownName: it is not listed; the message lists the choices.
    """
    try:
        return _LOADERS[name]
    except KeyError:
        raise UnknownName(f"There is no encoder {name!r}: choose {', '.join(names())}, or a model folder.") from None


def names() -> list[str]:
    """Return the names of the listed encoders."""
    return sorted(_LOADERS)
