"""From a checkpoint to the served encoder folder: ONNX, checked against torch, int8, calibrated matches, card.

    python -m Model.training.publish_encoder --checkpoint FILE --cache DIR --out FOLDER --size PX
    python -m Model.training.publish_encoder --card-only --cache DIR --out FOLDER

The second keeps the network and fits anew which way up a garment lies and how probable a match is, after another mask
was trained.
What int8 costs and what a cosine means are measured on vectors as the service makes them: mask, framing, encoder.
"""

from __future__ import annotations

import argparse
import json
import logging
import pickle
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from torch import nn

from Model.card import Bands, Card, Match, Turns, sha256_hex
from Model.embedder import Embedder
from Model.encoders import load_encoder
from Model.errors import CheckpointInvalid, ModelError
from Model.metrics import cosine_scores, different_groups, neighbour_agreement, ranking
from Model.preprocess import to_batch
from Model.probe import make_probe, probe_picture
from Model.segmenters import Segmenter, load_segmenter
from Model.training.beside import put_beside
from Model.training.datasets import PictureSet, make_vocabulary
from Model.training.emphasis import emphasise
from Model.training.exact_sums import ROUNDED, keep_sums_exact
from Model.training.export import check_same, export_onnx, open_session, quantise, run_onnx
from Model.training.limits import bound
from Model.training.resnet import DIM, Encoder, TwoLooks, build_encoder
from Model.training.stage import IMAGENET, normalise
from Model.training.turns import fit_turns, turned_vectors
from Model.transforms import strong_view
from Model.weights import publish

log = logging.getLogger(__name__)

Vectors = npt.NDArray[np.float32]

PROBE_SEED = 20
CATEGORY_HEAD = "heads.category_head"
"""Of a checkpoint's heads, the one that names categories."""
CALIBRATION = {"garments": 96, "photos": 32, "street": 32, "shop": 16}
"""Pictures of each set that the int8 ranges are taken from: mostly as served, some where no garment was found."""
BATCH = 32
LICENCE = "MIT; trained on CC0-1.0, Apache-2.0 and MIT pictures, from Apache-2.0 teachers"
TRAINED_ON = (
    "clothing-dataset (CC0-1.0), training senders",
    "clothing-co-parsing (Apache-2.0), training photos",
    "fashion-product-images-small (MIT), training products",
)
TURNED = {"photos": 2400, "shop": 600}
"""Pictures that the turns are fitted on."""
SOURCE = "trained from random weights by Model/training/recipe.py"


@dataclass(frozen=True)
class Check:
    """What was compared on the way: torch against ONNX in fp32, and int8 against fp32.

    Args:
        fp32_difference: largest absolute difference of a vector's value.
        int8_cosine: lowest cosine of an int8 vector with its fp32 one.
        int8_agreement: mean share of common 10 nearest neighbours among the validation photos.
    """

    fp32_difference: float
    int8_cosine: float
    int8_agreement: float


def load_encoder_checkpoint(path: Path) -> tuple[Encoder, nn.Linear]:
    """Return the averaged network of a checkpoint, in eval mode, and the head that names categories.

    Raises:
        CheckpointInvalid: it is of another architecture, has no such head, or cannot be read.
    """
    network = build_encoder()
    try:
        # Written by this program: it holds the stage's settings beside the weights.
        saved = torch.load(path, map_location="cpu", weights_only=False)
        network.load_state_dict(saved["average"])
        if saved.get("limits") is not None:
            bound(network, saved["limits"])
        weight, bias = (saved["average_heads"][f"{CATEGORY_HEAD}.{part}"] for part in ("weight", "bias"))
        head = nn.Linear(DIM, len(weight))
        head.load_state_dict({"weight": weight, "bias": bias})
    except (OSError, EOFError, RuntimeError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise CheckpointInvalid(f"{path} is not a ResNet34 checkpoint: train the last stage first.") from error
    return network.eval(), head


def base_card(size: int, source: str = SOURCE) -> Card:
    """Return a card with the encoder's preprocessing; checksum, metrics and probe are still to come."""
    return Card(
        format=1,
        name="resnet34",
        kind="encoder",
        sha256="0" * 64,
        input_name="image",
        input_size=(size, size),
        resize="letterbox",
        mean=IMAGENET[0],
        std=IMAGENET[1],
        dim=512,
        normalised=True,
        background="alpha",
        framing="garment",
        precision="int8",
        licence=LICENCE,
        source=source,
        trained_on=TRAINED_ON,
    )


def two_looks() -> TwoLooks:
    """Return what the shipped encoder looks at."""
    return TwoLooks(normalise(torch.ones(1, 3, 1, 1), "resnet34"))


def calibration_inputs(cache: Path, card: Card, seed: int = 0) -> Vectors:
    """Return training pictures for an encoder's card: garments, whole photos, shop pictures. Shape: (n, 4, h, w)."""
    records = json.loads((cache / "shop.json").read_text(encoding="utf-8"))
    vocabulary = make_vocabulary(records)
    random = np.random.default_rng(seed)
    images = []
    for name, count in CALIBRATION.items():
        if not (cache / f"{name}.json").exists():
            continue
        source = PictureSet(cache, name, vocabulary)
        chosen = source.rows[random.choice(len(source), min(count, len(source)), replace=False)]
        images += [Image.fromarray(source.full[row]) for row in chosen]
    return to_batch(images, card)


def fit_match(views: Vectors, others: Vectors, groups: npt.ArrayLike, seed: int = 0) -> Match | None:
    """Fit the probability that two pictures of a given cosine show one garment.

    Args:
        views: vectors of strong views of pictures. Shape: (n, dim).
        others: vectors of the same pictures untransformed. Shape: (n, dim).
        groups: pairs of one group are not used as random pairs: a sender may have sent one garment twice.
    Returns:
        None where a higher cosine does not make a match more probable, as with an encoder that has learned nothing.
    """
    scores = cosine_scores(views, others)
    same = np.diag(scores)
    allowed = different_groups(groups, groups)
    apart = np.random.default_rng(seed).choice(scores[allowed], size=min(20 * len(same), int(allowed.sum())))
    cosines = np.concatenate([same, apart]).reshape(-1, 1)
    truth = np.concatenate([np.ones(len(same)), np.zeros(len(apart))])
    # One match to one stranger: the figure says how sure the two pictures make us, before any prior.
    fitted = LogisticRegression(C=1e4, class_weight="balanced").fit(cosines, truth)
    a, b = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if a <= 0:
        log.warning("The cosines of views and strangers cannot be told apart: the card gets no match probability.")
        return None
    chance = 1 / (1 + np.exp(-(a * np.quantile(apart, 0.98) + b)))
    return Match(kind="logistic", a=a, b=b, bands=Bands(same=0.95, similar=round(min(float(chance), 0.9), 3)))


def _served(card: Card, model: Path, models_dir: Path, segmenter: Segmenter, threads: int) -> tuple[Card, Embedder]:
    """Put an ONNX file into a model folder of its own; return its card with checksum and probe, and an embedder."""
    answer = run_onnx(open_session(model, threads), to_batch([probe_picture(PROBE_SEED, card.input_size)], card))[0]
    content = model.read_bytes()
    update = {"sha256": sha256_hex(content), "probe": make_probe(PROBE_SEED, answer)}
    written = publish(card.model_copy(update=update), content, models_dir / card.name)
    return written, Embedder(load_encoder(card.name, models_dir, threads), segmenter, None)


def _vectors(eye: Embedder, images: Sequence[Image.Image]) -> Vectors:
    chunks = (images[at : at + BATCH] for at in range(0, len(images), BATCH))
    return np.array([sight.vector for chunk in chunks for sight in eye.see(chunk)])


def publish_encoder(
    checkpoint: Path,
    cache: Path,
    folder: Path,
    size: int,
    segmenter: Segmenter,
    threads: int = 1,
    source: str = SOURCE,
) -> tuple[Card, Check]:
    """Export, check, quantise, calibrate, and put the encoder into its folder in one step.

    Args:
        size: side of the input in px.
        segmenter: whose masks the encoder will be served with.
        source: for the card: how the weights came about.
    Raises:
        CheckpointInvalid, TrainingError: the folder is untouched.
    """
    network, head = load_encoder_checkpoint(checkpoint)
    put_beside(network, head, cache, size, emphasise(network, cache, size))
    network.looks = two_looks()
    card = base_card(size, source)
    photos, _, _ = _validation_photos(cache)
    calibration = calibration_inputs(cache, card)
    inputs = calibration[:4]
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        fp32 = export_onnx(network, torch.from_numpy(inputs[:2]), scratch / "fp32.onnx", "image", "embedding")
        difference = check_same(network, fp32, inputs)
        int8 = keep_sums_exact(
            quantise(fp32, scratch / "int8.onnx", calibration, operators=ROUNDED, keep_fp32=("looks", "beside"))
        )
        _, exact_eye = _served(card.model_copy(update={"precision": "fp32"}), fp32, scratch / "a", segmenter, threads)
        card, eye = _served(card, int8, scratch / "b", segmenter, threads)
        exact, served = _vectors(exact_eye, photos), _vectors(eye, photos)
        model = int8.read_bytes()
    check = Check(difference, float((exact * served).sum(axis=1).min()), _agreement(exact, served))
    metrics: dict[str, Any] = {
        "int8_recall_at_10_agreement": round(check.int8_agreement, 4),
        "int8_lowest_cosine": round(check.int8_cosine, 4),
        "torch_onnx_difference": float(f"{check.fp32_difference:.1e}"),
    }
    card = _calibrated(card.model_copy(update={"metrics": metrics}), model, cache, segmenter, threads)
    return publish(card, model, folder), check


def refit_card(cache: Path, folder: Path, segmenter: Segmenter, threads: int = 1) -> Card:
    """Fit anew which way up a garment lies and how probable a match is, and put the new card into the folder.

    Args:
        folder: the encoder's model folder.
        segmenter: whose masks the encoder is served with from now on.
    Raises:
        ModelNotFound, CardInvalid, ChecksumMismatch: the folder is untouched.
    """
    card = Card.load(folder)
    card = _calibrated(card, card.read_model(folder), cache, segmenter, threads)
    card.save(folder)
    return card


def _calibrated(card: Card, model: bytes, cache: Path, segmenter: Segmenter, threads: int) -> Card:
    """Return the card with its turns, and the match probabilities of garments seen upright."""
    photos, names, groups = _validation_photos(cache)
    with tempfile.TemporaryDirectory() as folder:

        def eye(turns: Turns | None) -> Embedder:
            publish(card.model_copy(update={"turns": turns}), model, Path(folder) / card.name)
            return Embedder(load_encoder(card.name, Path(folder), threads), segmenter, None)

        turns = fit_turns(turned_vectors(eye(None), _training_pictures(cache)))
        upright = eye(turns)
        match = fit_match(_vectors(upright, _moved(photos, names)), _vectors(upright, photos), groups)
    return card.model_copy(update={"match": match, "turns": turns})


def _training_pictures(cache: Path) -> list[Image.Image]:
    """Return training photos and shop pictures to fit the turns on."""
    random = np.random.default_rng(0)
    vocabulary = make_vocabulary(json.loads((cache / "shop.json").read_text(encoding="utf-8")))
    pictures: list[Image.Image] = []
    for name, count in TURNED.items():
        source = PictureSet(cache, name, vocabulary, split="train")
        rows = source.rows[random.choice(len(source), min(count, len(source)), replace=False)]
        pictures += [Image.fromarray(source.full[row][:, :, :3]) for row in rows]
    return pictures


def _validation_photos(cache: Path) -> tuple[list[Image.Image], list[str], list[str]]:
    """Return the validation photos, their names and their groups."""
    validation = PictureSet(cache, "photos", make_vocabulary([]), split="val")
    photos = [Image.fromarray(validation.full[row][:, :, :3]) for row in validation.rows]
    return (
        photos,
        [record["image"] for record in validation.records],
        [record["group"] for record in validation.records],
    )


def _moved(photos: Sequence[Image.Image], names: Sequence[str]) -> list[Image.Image]:
    return [strong_view(photo, name) for photo, name in zip(photos, names, strict=True)]


def _agreement(first: Vectors, second: Vectors) -> float:
    others = ~np.eye(len(first), dtype=bool)
    orders = [ranking(cosine_scores(vectors, vectors), others, k=10) for vectors in (first, second)]
    return neighbour_agreement(orders[0], orders[1])


def main() -> None:
    """Publish a checkpoint from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--checkpoint", type=Path, help="to export")
    what.add_argument("--card-only", action="store_true", help="fit the turns and match of the card in --out")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the encoder's model folder")
    parser.add_argument("--size", type=int, default=224, help="side of the input in px")
    parser.add_argument(
        "--models", type=Path, default=None, help="folder with the garment mask, before the shipped one"
    )
    parser.add_argument("--source", default=SOURCE, help="how the weights came about, for the card")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(arguments.threads)
    threads = arguments.threads
    try:
        segmenter = load_segmenter("rembg", arguments.models, threads)
        if arguments.card_only:
            log.info("%s", refit_card(arguments.cache, arguments.out, segmenter, threads).match)
            return
        card, check = publish_encoder(
            arguments.checkpoint, arguments.cache, arguments.out, arguments.size, segmenter, threads, arguments.source
        )
    except (ModelError, FileNotFoundError) as error:
        parser.exit(1, f"{error}\n")
    log.info("%s %s %s", card.file, check, card.match)


if __name__ == "__main__":
    main()
