"""What is asked: a part of a photo, and what it was seen as."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from Backend.errors import CropUnreadable
from Model.preprocess import Unit


@dataclass(frozen=True)
class Crop:
    """The part of a photo to look at.

    Args:
        box: x, y, w, h from the upper left corner of the upright picture.
        unit: fractions of the picture, or pixels of the original.
    """

    box: tuple[float, float, float, float]
    unit: Unit = "fraction"


@dataclass(frozen=True)
class Guess:
    """A category and how probable it is (0..1)."""

    slug: str
    probability: float

    @property
    def name(self) -> str:
        """The slug for people."""
        return display_name(self.slug)


@dataclass(frozen=True)
class Query:
    """What a photo was seen as: all that searching needs.

    Args:
        vector: float32, unit length. Shape: (dim,).
        category: None when the classifier is not sure or missing.
        coverage: share of the crop that the garment covers, 0..1.
        garment_found: whether that is enough to call it a garment.
        probabilities: of every category by slug, 0..1; empty where nobody can say.
    """

    vector: npt.NDArray[np.float32]
    category: Guess | None
    coverage: float
    garment_found: bool
    probabilities: Mapping[str, float] = field(default_factory=dict)


def parse_crop(text: str | None, unit: Unit = "fraction") -> Crop | None:
    """Read `x,y,w,h`; nothing or blank is no crop.

    Raises:
        CropUnreadable: not four numbers. Whether they fit the picture is found out when the picture is there.
    """
    if text is None or not text.strip():
        return None
    try:
        x, y, w, h = (float(part) for part in text.split(","))
    except ValueError as error:
        raise CropUnreadable from error
    return Crop((x, y, w, h), unit)


def display_name(slug: str, name: str | None = None) -> str:
    """Return a category for people: the shop's own name for it, or the slug made readable (`t-shirt` is T-shirt).

    Args:
        name: the shop's; one that only repeats the slug counts as none.
    """
    return name if name and name != slug else slug[:1].upper() + slug[1:]
