"""The classifier: from an embedding to calibrated probabilities of the shop's categories."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from Model.card import CARD_FILE, Card
from Model.errors import CardInvalid, ModelError
from Model.session import Session, open_session

log = logging.getLogger(__name__)

Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class _Loaded:
    """A card and its network, always exchanged together."""

    card: Card
    session: Session
    stamp: Stamp


class Classifier:
    """A network on frozen embeddings whose folder may be replaced while it serves."""

    def __init__(self, folder: Path, dim: int | None = None, find: Callable[[], Path] | None = None) -> None:
        """Load a classifier's folder.

        Args:
            folder: with a classifier's card.
            dim: of the encoder's vectors, to refuse a classifier that was trained on others; None to take any.
            find: returns the folder to look into for a newer one: the first one that a shop trains appears in another
                place than the shipped one. None for `folder` always.
        Raises:
            ModelNotFound, CardInvalid, ChecksumMismatch.
        """
        self._find = find or (lambda: folder)
        self._dim = dim
        self._lock = threading.Lock()
        self._refused: Stamp | None = None
        self._loaded = self._load(folder, _stamp(folder))

    @classmethod
    def load(cls, folder: Path, dim: int | None = None, find: Callable[[], Path] | None = None) -> Classifier:
        """Load a classifier's folder; see `__init__`."""
        return cls(folder, dim, find)

    @property
    def card(self) -> Card:
        """The card of what is served now."""
        return self._loaded.card

    @property
    def labels(self) -> tuple[str, ...]:
        """The category slugs, in the order of the probabilities."""
        return self._loaded.card.labels

    def probabilities(self, embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return each embedding's probabilities, calibrated by the card's temperature.

        Args:
            embeddings: unit length. Shape: (n, dim).
        Returns:
            (n, n_labels) float32, rows sum to 1.
        """
        return self.labelled_probabilities(embeddings)[1]

    def labelled_probabilities(self, embeddings: npt.NDArray[np.float32]) -> tuple[Card, npt.NDArray[np.float32]]:
        """Return the probabilities with the card that they belong to: the two stay together through a hot swap."""
        loaded = self._loaded
        logits = loaded.session.run(np.ascontiguousarray(embeddings, dtype=np.float32))
        return loaded.card, softmax(logits, loaded.card.temperature)

    def reload_if_changed(self) -> bool:
        """Take over a new model in the folder, once its card is complete and its checksum right.

        A new model that cannot be used, or a folder that is gone, is logged once and the old one goes on serving.

        Returns:
            Whether a new model serves now.
        """
        with self._lock:
            stamp: Stamp = ()
            try:
                folder = self._find()
                stamp = _stamp(folder)
                if stamp in (self._loaded.stamp, self._refused):
                    return False
                self._loaded = self._load(folder, stamp)
            except ModelError as error:
                # Tried again when a file changes: the other half of the new model may still be on its way.
                if stamp != self._refused:
                    log.warning("The new classifier is not used, the old one goes on: %s", error)
                self._refused = stamp
                return False
        return True

    def _load(self, folder: Path, stamp: Stamp) -> _Loaded:
        card = Card.load(folder)
        if card.kind != "classifier":
            raise CardInvalid(f"{folder.name} is a model of kind {card.kind}, not classifier: choose another.")
        if self._dim is not None and card.dim != self._dim:
            raise CardInvalid(
                f"The classifier was trained on {card.dim}-d vectors, the encoder gives {self._dim}-d: train it again."
            )
        session = open_session(folder, card, threads=1)
        answered = session.run(np.zeros((1, card.dim), dtype=np.float32)).shape
        if answered != (1, len(card.labels)):
            raise CardInvalid(f"The classifier answers {answered[1:]}, its card has {len(card.labels)} labels.")
        return _Loaded(card, session, stamp)


def softmax(logits: npt.NDArray[np.float32], temperature: float = 1.0) -> npt.NDArray[np.float32]:
    """Return exp(logits / temperature), each row scaled to sum 1. Shape: (n, labels) to (n, labels)."""
    scaled = logits / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: npt.NDArray[np.float32] = (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)
    return result


def _stamp(folder: Path) -> Stamp:
    """Return what changes when the card or a model file is replaced: names, times, sizes and inodes."""
    facts = []
    for path in sorted([folder / CARD_FILE, *folder.glob("*.onnx")]):
        try:
            status = path.stat()
        except OSError:
            continue  # just being replaced
        facts.append((path.name, status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(facts)
