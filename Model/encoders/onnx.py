"""The encoder for any ONNX file with a card: ResNet34 as shipped, or whatever a shop trains or fetches."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from Model.card import Card
from Model.encoders.base import Vectors, register
from Model.errors import CardInvalid, ProbeMismatch
from Model.preprocess import to_batch
from Model.probe import probe_picture, unit
from Model.session import Session, open_session

log = logging.getLogger(__name__)

BATCH = 32
"""Pictures per run: larger ones only cost memory."""


class OnnxEncoder:
    """Pictures to unit vectors by one ONNX file."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Load the folder's model and check its probe.

        Where int8 arithmetic on this processor does not reproduce the card's probe (no VNNI: sums saturate), the same
        weights are computed in float32 instead: slower, and right.

        Raises:
            ModelNotFound, CardInvalid, ChecksumMismatch.
            ProbeMismatch: neither way reproduces the probe.
        """
        self.card = Card.load(folder)
        if self.card.kind != "encoder":
            raise CardInvalid(f"{folder.name} is a model of kind {self.card.kind}, not encoder: choose another.")
        self._session = self._open(folder, threads)

    def embed(self, images: Sequence[Image.Image]) -> Vectors:
        """Return one vector of unit length per picture. Shape: (n, dim)."""
        if not images:
            return np.zeros((0, self.card.dim), dtype=np.float32)
        parts = [self._embed(images[start : start + BATCH], self._session) for start in range(0, len(images), BATCH)]
        return np.concatenate(parts)

    def _embed(self, images: Sequence[Image.Image], session: Session) -> Vectors:
        output = session.run(to_batch(images, self.card))
        if output.shape != (len(images), self.card.dim):
            raise CardInvalid(f"The encoder gives {output.shape[1:]}, its card says ({self.card.dim},): correct dim.")
        return unit(output)

    def _open(self, folder: Path, threads: int) -> Session:
        session = open_session(folder, self.card, threads)
        probe = self.card.probe
        if probe is None:
            return session
        picture = probe_picture(probe.seed, self.card.input_size)
        cosine = float((self._embed([picture], session) @ unit(probe.vector))[0])
        if cosine >= probe.min_cosine:
            return session
        log.warning("%s: int8 does not reproduce the probe (cosine %.4f): computing in float32.", folder.name, cosine)
        session = open_session(folder, self.card, threads, exact=True)
        cosine = float((self._embed([picture], session) @ unit(probe.vector))[0])
        if cosine >= probe.min_cosine:
            return session
        raise ProbeMismatch(
            f"{folder.name} computes something else on this machine (cosine {cosine:.4f}): use another model."
        )


@register("resnet34")
def load_onnx(folder: Path, threads: int) -> OnnxEncoder:
    """Load a model folder of kind encoder."""
    return OnnxEncoder(folder, threads)
