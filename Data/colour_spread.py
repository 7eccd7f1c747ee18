"""How colours are spread over pictures: over each channel of their pixels, and over the names that shops use."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from Data.catalogue import Catalogue
from Data.features import Features
from Data.pixels import BINS

SAMPLE = 5000
BATCH = 500

_TO_XYZ = np.array([0.95047, 1.0, 1.08883])  # D65
_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])


@dataclass(frozen=True)
class ColourShare:
    """A named colour.

    Args:
        hex: how it looks on average, #rrggbb.
        share: of the garments' pixels, 0..1; each picture counts the same.
    """

    name: str
    hex: str
    share: float


@dataclass(frozen=True)
class ColourSpread:
    """The colours of some garments.

    Args:
        pictures: how many were looked at.
        rgb: shares of the garments' pixels in 16 equal steps from 0 to 255, for R, G and B; each picture counts the
            same. Empty where no picture has been measured.
        colours: by falling share.
    """

    pictures: int
    rgb: tuple[tuple[float, ...], ...]
    colours: tuple[ColourShare, ...]


def spread_of_catalogue(catalogue: Catalogue, embedder_id: str | None, sample: int = SAMPLE) -> ColourSpread:
    """Return the colours of the catalogue's garments.

    Args:
        sample: pictures to look at, at most. They are taken by rising sha256, which is as good as drawing lots.
    """
    files: list[str] = []
    for batch in catalogue.iterate_pictures(BATCH):
        shown = catalogue.products_showing([facts.sha256 for facts in batch])
        files += [facts.sha256 for facts in batch if facts.sha256 in shown]
        if len(files) >= sample:
            break
    return spread_of(catalogue, embedder_id, files[:sample])


def spread_of(catalogue: Catalogue, embedder_id: str | None, sha256s: Sequence[str]) -> ColourSpread:
    """Return the colours of the garments in some pictures; those that have not been looked at are left out."""
    total, measured, pictures = np.zeros((3, BINS)), 0, 0
    weights: dict[str, float] = defaultdict(float)
    labs: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(3))
    features = Features(catalogue.engine)
    left = iter(sha256s)
    while batch := list(islice(left, BATCH)):
        seen = {} if embedder_id is None else features.get(batch, embedder_id)
        facts = catalogue.get_pictures(batch)
        for sha256 in batch:
            histogram = ((facts[sha256].quality or {}) if sha256 in facts else {}).get("rgb")
            if histogram is not None:
                total += np.asarray(histogram)
                measured += 1
            colours = _shares(seen[sha256].attributes.get("colours", ())) if sha256 in seen else []
            pictures += bool(colours)
            for name, lab, share in colours:
                weights[name] += share
                labs[name] += share * lab
    rgb = tuple(tuple(round(float(value), 5) for value in row) for row in total / measured) if measured else ()
    named = [
        ColourShare(name, hex_of(labs[name] / weight), round(weight / pictures, 5)) for name, weight in weights.items()
    ]
    named.sort(key=lambda colour: (-colour.share, colour.name))
    return ColourSpread(max(measured, pictures), rgb, tuple(named))


def _shares(colours: Iterable[Mapping[str, Any]]) -> list[tuple[str, NDArray[np.float64], float]]:
    """Return a picture's colours with shares that sum to 1: small ones are not kept with it."""
    kept = [(str(colour["name"]), np.array(colour["lab"], float), float(colour["share"])) for colour in colours]
    whole = sum(share for _, _, share in kept)
    return [(name, lab, share / whole) for name, lab, share in kept] if whole > 0 else []


def hex_of(lab: NDArray[np.float64]) -> str:
    """Return a CIELAB colour (D65) as #rrggbb, clipped to what screens show. Source: IEC 61966-2-1."""
    y = (lab[0] + 16) / 116
    f = np.array([y + lab[1] / 500, y, y - lab[2] / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _TO_XYZ
    linear = np.clip(_TO_RGB @ xyz, 0.0, 1.0)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(float(value) * 255):02x}" for value in rgb)
