"""The eye: what a picture shows, in one way for catalogue and query alike.

picture ─▶ mask (a plain border's, or the network's) ─▶ garment and mask ─▶ upright ─▶ vector ─▶ category
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from Model.card import Match
from Model.classifier import Classifier
from Model.encoders import Encoder, Vectors, load_encoder
from Model.preprocess import PREPROCESSING_VERSION, WHOLE, Box, View, pixel_box, shrink
from Model.segmenters import Mask, Segmenter, load_segmenter
from Model.segmenters.on_white import coverage, garment_box, only_inside, with_background
from Model.segmenters.plain_border import plain_border_mask
from Model.upright import see_upright
from Model.weights import find_model

Band = Literal["same", "similar", "different"]

MARGIN = 0.11
"""Room left around a garment's box, as a share of its longer side, when the encoder sees the garment alone.

Training pictures are cut by the same rule (Model/training/cache.py). Chosen on validation photos: with 0.06 the
accuracy was 0.796 instead of 0.806, and P@5 0.757 instead of 0.769 (docs/experiments.md, 30).
"""


@dataclass(frozen=True)
class Sight:
    """What was seen in one picture.

    Args:
        vector: unit length. Shape: (dim,).
        coverage: share of the picture that is garment, 0..1.
        box: around the garment, as fractions of the picture; None where no garment was found.
        category: the most probable category's slug; None where it is not sure.
        probability: of the most probable category, 0..1, sure or not.
        probabilities: of every category.
        mask: 0 background .. 255 garment, of the picture as shrunk to 640 px; all 255 where no garment was found.
            Shape: (H, W).
    """

    vector: npt.NDArray[np.float32]
    coverage: float
    box: Box | None
    category: str | None
    probability: float
    probabilities: dict[str, float] = field(repr=False)
    mask: Mask = field(repr=False)

    @property
    def found(self) -> bool:
        """Whether a garment was found."""
        return self.box is not None


class Embedder:
    """Segmenter, encoder and classifier, working together. Safe to call from several threads at once."""

    def __init__(self, encoder: Encoder, segmenter: Segmenter, classifier: Classifier | None) -> None:
        """Put three loaded parts together; without a classifier no picture has a category."""
        self._encoder = encoder
        self._segmenter = segmenter
        self._classifier = classifier
        self.embedder_id = embedder_id(encoder, segmenter)

    @classmethod
    def load(
        cls,
        models_dir: Path | None = None,
        encoder: str = "resnet34",
        segmenter: str = "rembg",
        classifier: str | None = "classifier",
        threads: int = 1,
    ) -> Embedder:
        """Load the parts by their names.

        Args:
            models_dir: looked into before the shipped weights.
            encoder: a listed encoder or a model folder of that kind.
            segmenter: a listed segmenter or a model folder of that kind.
            classifier: a model folder; None for no categories.
            threads: of each network, at least 1.
        Raises:
            UnknownName, ModelNotFound, CardInvalid, ChecksumMismatch, ProbeMismatch.
        """
        loaded = load_encoder(encoder, models_dir, threads)
        return cls(
            loaded,
            load_segmenter(segmenter, models_dir, threads),
            _load_classifier(classifier, models_dir, loaded.card.dim) if classifier else None,
        )

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self._encoder.card.dim

    @property
    def labels(self) -> tuple[str, ...]:
        """The category slugs that can be predicted."""
        return self._classifier.labels if self._classifier else ()

    @property
    def files(self) -> frozenset[str]:
        """The sha256 of the networks' files that are in use now."""
        classifier = self._classifier.card.sha256 if self._classifier else None
        used = (self._encoder.card.sha256, self._segmenter.file, classifier)
        return frozenset(file for file in used if file is not None)

    def see(self, images: Sequence[Image.Image | View]) -> list[Sight]:
        """Return what each picture, or part of a picture, shows.

        Args:
            images: upright RGB; larger ones than 640 px are shrunk first. What lies around the part of a view helps
                to tell garment from background, and is no garment itself.
        Raises:
            CardInvalid: the encoder's file does not do what its card says.
        """
        views = [image if isinstance(image, View) else View(image) for image in images]
        small = [shrink(view.image) for view in views]
        masks = self.find_garments(small)
        looks = [self._look(image, mask, view.part) for image, mask, view in zip(small, masks, views, strict=True)]
        vectors = self._upright(looks, self._encoder.embed([look.picture for look in looks]))
        return [
            Sight(vector, look.coverage, look.box, category, probability, probabilities, look.mask)
            for look, vector, (category, probability, probabilities) in zip(
                looks, vectors, self.categories(vectors), strict=True
            )
        ]

    def find_garments(self, images: Sequence[Image.Image]) -> list[Mask]:
        """Return each picture's mask, as found: by its plain border, or else by the segmenter.

        Args:
            images: RGB, at most 640 px on the long side.
        Returns:
            (H, W) uint8 each; all zero where nothing was found.
        """
        if self._segmenter.identity == "none":
            return self._segmenter.masks(images)
        plain = [plain_border_mask(image) for image in images]
        searched = iter(
            self._segmenter.masks([image for image, mask in zip(images, plain, strict=True) if mask is None])
        )
        return [next(searched) if mask is None else mask for mask in plain]

    def locate(self, image: Image.Image) -> tuple[Box | None, float]:
        """Return the garment's box and coverage without embedding: where a crop box starts.

        Args:
            image: upright RGB; shrunk to 640 px first.
        """
        (mask,) = self.find_garments([shrink(image)])
        share = coverage(mask)
        return (garment_box(mask) if share >= self._segmenter.min_coverage else None), share

    def categories(self, vectors: Vectors) -> list[tuple[str | None, float, dict[str, float]]]:
        """Return each vector's category (None where not sure), its probability, and all probabilities.

        Args:
            vectors: unit length. Shape: (n, dim).
        """
        if self._classifier is None or len(vectors) == 0:
            return [(None, 0.0, {}) for _ in vectors]
        card, rows = self._classifier.labelled_probabilities(vectors)
        results: list[tuple[str | None, float, dict[str, float]]] = []
        for row in rows:
            best = int(row.argmax())
            probability = float(row[best])
            sure = probability >= card.min_probability
            named = dict(zip(card.labels, row.tolist(), strict=True))
            results.append((card.labels[best] if sure else None, probability, named))
        return results

    def match_probability(self, cosine: float) -> float | None:
        """Return how probable it is that two pictures of this cosine show one garment; None where never fitted."""
        match = self._encoder.card.match
        return None if match is None else match_probability(match, cosine)

    def band(self, probability: float | None) -> Band | None:
        """Return the word for a match probability; None where never fitted."""
        match = self._encoder.card.match
        if match is None or probability is None:
            return None
        if probability >= match.bands.same:
            return "same"
        return "similar" if probability >= match.bands.similar else "different"

    def reload_classifier_if_changed(self) -> bool:
        """Take over a newly trained classifier; return whether one serves now."""
        return self._classifier is not None and self._classifier.reload_if_changed()

    def _upright(self, looks: Sequence[_Look], vectors: Vectors) -> Vectors:
        """Return the vectors, those of garments that lie on their side seen upright. Shape: (n, dim) to (n, dim)."""
        found = [at for at, look in enumerate(looks) if look.box is not None]
        result = vectors.copy()
        result[found], _ = see_upright(self._encoder, [looks[at].picture for at in found], vectors[found])
        return result

    def _look(self, image: Image.Image, mask: Mask, part: Box) -> _Look:
        """Decide what of the picture the encoder sees.

        Args:
            mask: of the whole picture.
            part: nothing outside of it is garment.
        """
        edges = pixel_box(part, image.size)
        mask = only_inside(mask, edges)
        seen = mask[edges[1] : edges[3], edges[0] : edges[2]]
        share = coverage(seen)
        box = garment_box(mask) if share > 0 and share >= self._segmenter.min_coverage else None
        if box is None:
            return _Look(image.crop(edges), share, None, np.full(seen.shape, 255, dtype=np.uint8))
        card = self._encoder.card
        picture = with_background(image, mask, card.background)
        picture = picture.crop(with_margin(box, picture.size) if card.framing == "garment" else edges)
        return _Look(picture, share, box if part == WHOLE else garment_box(seen), seen)


@dataclass(frozen=True)
class _Look:
    """A picture as the encoder sees it, and what is known about it so far."""

    picture: Image.Image
    coverage: float
    box: Box | None
    mask: Mask


def _load_classifier(name: str, models_dir: Path | None, dim: int) -> Classifier:
    """Load a classifier that is looked for again, shop's folder first, whenever it is asked for a newer one."""
    return Classifier.load(find_model(name, models_dir), dim, lambda: find_model(name, models_dir))


def with_margin(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the box with `MARGIN` around it, clipped, as left, top, right, bottom in px.

    Args:
        size: the picture's width and height in px.
    """
    width, height = size
    room = MARGIN * max(box.w * width, box.h * height)
    return (
        max(math.floor(box.x * width - room), 0),
        max(math.floor(box.y * height - room), 0),
        min(math.ceil((box.x + box.w) * width + room), width),
        min(math.ceil((box.y + box.h) * height + room), height),
    )


def match_probability(match: Match, cosine: float) -> float:
    """Return 1 / (1 + exp(-(a * cosine + b))) without overflow, 0..1."""
    return 0.5 * (1.0 + math.tanh(0.5 * (match.a * cosine + match.b)))


def embedder_id(encoder: Encoder, segmenter: Segmenter) -> str:
    """Return 16 hex digits that change whenever a picture's vector may change."""
    inputs = {"sha256", "input_size", "resize", "pad_color", "mean", "std", "background", "framing", "turns"}
    garment = f"{segmenter.identity} {segmenter.min_coverage}"
    facts = (encoder.card.model_dump_json(include=inputs), garment, str(PREPROCESSING_VERSION))
    return hashlib.sha256("|".join(facts).encode()).hexdigest()[:16]
