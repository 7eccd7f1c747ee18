"""Encoders: picture to unit vector. A new one is a file here and a line in the list below."""

from __future__ import annotations

from pathlib import Path

from Model.encoders import base, onnx  # each registers itself
from Model.encoders.base import Encoder, Loader, Vectors
from Model.weights import find_model, list_models

__all__ = ["Encoder", "Vectors", "find_encoder", "load_encoder", "onnx"]


def load_encoder(name: str, models_dir: Path | None, threads: int) -> Encoder:
    """Load a listed encoder, or any model folder of kind encoder by its name.

    Args:
        name: "resnet34", or a folder such as "my-encoder" in models_dir.
        models_dir: looked into before the shipped weights.
        threads: per session, at least 1.
    Raises:
        UnknownName, ModelNotFound, CardInvalid, ChecksumMismatch, ProbeMismatch.
    """
    loader, folder = find_encoder(name, models_dir)
    return loader(folder, threads)


def find_encoder(name: str, models_dir: Path | None) -> tuple[Loader, Path]:
    """Return what would load an encoder, and from which folder; nothing is loaded yet.

    Raises:
        UnknownName, ModelNotFound.
    """
    own = name not in base.names() and name in list_models(models_dir)
    return onnx.load_onnx if own else base.get(name), find_model(name, models_dir)
