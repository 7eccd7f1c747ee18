"""Segmenters: picture to garment mask. A new one is a file here and a line in the list below."""

from __future__ import annotations

from pathlib import Path

from Model.segmenters import base, none, rembg  # each registers itself
from Model.segmenters.base import Loader, Mask, Segmenter
from Model.weights import find_model, list_models

__all__ = ["Mask", "Segmenter", "find_segmenter", "load_segmenter", "none", "rembg"]


def load_segmenter(name: str, models_dir: Path | None, threads: int) -> Segmenter:
    """Load a listed segmenter, or a model folder of kind segmenter by its name (it then goes through rembg).

    Args:
        name: "rembg", "none", or a folder such as "u2netp" fetched with `similook models fetch u2netp`.
        models_dir: looked into before the shipped weights.
        threads: per session, at least 1.
    Raises:
        UnknownName, ModelNotFound, CardInvalid, ChecksumMismatch, ProbeMismatch.
    """
    loader, folder = find_segmenter(name, models_dir)
    return loader(folder, threads)


def find_segmenter(name: str, models_dir: Path | None) -> tuple[Loader, Path | None]:
    """Return what would load a segmenter, and from which folder (None where it has none); nothing is loaded yet.

    Raises:
        UnknownName, ModelNotFound.
    """
    if name not in base.names() and name in list_models(models_dir):
        return base.get("rembg")[1], find_model(name, models_dir)
    folder, loader = base.get(name)
    return loader, None if folder is None else find_model(folder, models_dir)
