"""The segmenter that goes through rembg, with a U²-Net-shaped ONNX file as its custom session.

rembg stretches every output to full contrast, so a picture without a garment gets a full-contrast mask, too, and a
flat output becomes NaN. The garment network's output is a probability already: `Unstretched` is a rembg session that
runs the same network on the same input and leaves the probability alone. rembg's own networks, whose outputs mean
nothing in absolute terms, keep the stretch.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

import Model.session as ort_session
from Model.card import Card
from Model.errors import CardInvalid, ModelNotFound, ProbeMismatch
from Model.probe import probe_picture, vector_of_mask
from Model.segmenters.base import Mask, register

SIDE = 320
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

FLAT = 1e-3
"""An output whose largest and smallest value differ by less has found nothing."""


class RembgSegmenter:
    """Masks by `rembg.remove(picture, session=..., only_mask=True)`."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Open the folder's network as rembg's custom session.

        Args:
            folder: with a segmenter's card.
            threads: of the session, at least 1.
        Raises:
            ModelNotFound, CardInvalid, ChecksumMismatch, ProbeMismatch.
        """
        card = Card.load(folder)
        if card.kind != "segmenter":
            raise CardInvalid(f"{folder.name} is a model of kind {card.kind}, not segmenter: choose another.")
        if card.input_size != (SIDE, SIDE):
            raise CardInvalid(f"{folder.name} takes {card.input_size} px, rembg gives {SIDE} x {SIDE}: export it so.")
        card.read_model(folder)  # compares the checksum; rembg reads the file itself
        self.card = card
        self.identity = f"{card.sha256} stretched" if card.stretch else card.sha256
        self.file = card.sha256
        self.min_coverage = card.min_coverage
        self._session = _open(folder, card, threads)

    def masks(self, images: Sequence[Image.Image]) -> list[Mask]:
        """Return each picture's mask; all zero where nothing was found."""
        return [self._mask(image) for image in images]

    def _mask(self, image: Image.Image) -> Mask:
        from rembg import remove

        return np.array(remove(image, session=self._session, only_mask=True), dtype=np.uint8)


class Unstretched:
    """A rembg session around another one: the same input and network, without the full-contrast stretch.

    Args:
        inner: what `rembg.new_session("u2net_custom", ...)` returned.
        probability: whether the network's output is a probability; if not, it is stretched as rembg does, but for a
            flat one.
    """

    def __init__(self, inner: Any, *, probability: bool) -> None:
        self._inner = inner
        self._probability = probability

    def predict(self, img: Image.Image, *args: Any, **kwargs: Any) -> list[Image.Image]:
        """Return the picture's one mask, as rembg's sessions do."""
        del args, kwargs  # rembg hands its own options to every session
        values = self.raw(img)
        mask = Image.fromarray(to_bytes(values, probability=self._probability))
        return [mask.resize(img.size, Image.Resampling.BILINEAR)]

    def raw(self, img: Image.Image) -> npt.NDArray[np.float32]:
        """Return the network's first output. Shape: (320, 320)."""
        session = self._inner.inner_session
        batch = self._inner.normalize(img, MEAN, STD, (SIDE, SIDE))
        with ort_session.naming_ort_errors("of the garment mask takes no picture of 320 px"):
            outputs = session.run([session.get_outputs()[0].name], batch)
        values: npt.NDArray[np.float32] = np.asarray(outputs[0][0, 0], dtype=np.float32)
        return values


def to_bytes(values: npt.NDArray[np.float32], *, probability: bool) -> Mask:
    """Turn a network's output into 0..255.

    Args:
        values: any shape; NaN and infinity count as background.
        probability: 0..1 already; otherwise min-max stretched, and a flat output is all background.
    """
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    if not probability:
        low, high = float(finite.min()), float(finite.max())
        if high - low < FLAT:
            return np.zeros(finite.shape, dtype=np.uint8)
        finite = (finite - low) / (high - low)
    return np.asarray(np.clip(finite, 0.0, 1.0) * 255.0 + 0.5, dtype=np.uint8)


def _open(folder: Path, card: Card, threads: int) -> Unstretched:
    """Open the network, on exact arithmetic where the fast one does not reproduce the card's probe."""
    best = -1.0
    for exact in (False, True):
        session = Unstretched(_new_session(card.model_path(folder), threads, exact=exact), probability=not card.stretch)
        if card.probe is None:
            return session
        values = session.raw(probe_picture(card.probe.seed, card.input_size))
        best = float(vector_of_mask(values) @ card.probe.vector)
        if best >= card.probe.min_cosine:
            return session
    raise ProbeMismatch(
        f"{folder.name} computes something else on this machine (cosine {best:.4f}): use another model or library."
    )


_IMPORT_LOCK = threading.Lock()


def _new_session(model_path: Path, threads: int, *, exact: bool) -> Any:
    with _IMPORT_LOCK:  # rembg is slow to import and is imported by whoever comes first
        from rembg import new_session

    options = ort_session.session_options(threads, exact=exact)
    with ort_session.rembg_home(model_path.parent), ort_session.naming_ort_errors("file cannot be loaded"):
        return new_session("u2net_custom", sess_opts=options, model_path=str(model_path.resolve()))


@register("rembg", folder="garment-mask")
def load_rembg(folder: Path | None, threads: int) -> RembgSegmenter:
    """Open a segmenter's folder through rembg.

    Raises:
        ModelNotFound: no folder was given.
    """
    if folder is None:
        raise ModelNotFound("The segmenter rembg needs a model folder: give one with a card of kind segmenter.")
    return RembgSegmenter(folder, threads)
