"""Fetch published weights and make model folders of them: torchvision's ResNets, and rembg's own networks.

torchvision and rembg do the download, from the places they know, and check what they got; here it is exported where
need be and given a card. Nothing fetched is part of this repository; its licence is its publisher's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from Model.card import Card, sha256_hex
from Model.errors import DownloadFailed, UnknownName
from Model.preprocess import to_batch
from Model.probe import make_probe, probe_picture, unit
from Model.session import Session, rembg_home
from Model.weights import publish

PROBE_SEED = 7


@dataclass(frozen=True)
class Published:
    """Weights that somebody else publishes.

    Args:
        source: who publishes them, for the card.
        licence: of the weights, as their publisher says.
        make: returns the ONNX file's bytes.
        kind: of the model.
        dim: of an encoder's vectors.
    """

    source: str
    licence: str
    make: Callable[[str], bytes]
    kind: str
    dim: int = 512


def fetch(name: str, models_dir: Path) -> Path:
    """Download published weights, convert them, and return the model folder made of them.

    Args:
        name: one of `names()`.
        models_dir: the folder `name` is made or replaced in it.
    Raises:
        UnknownName: the message lists the choices.
        DownloadFailed: no network, a wrong checksum, a full disk, or torch is not installed.
    """
    if name not in _PUBLISHED:
        raise UnknownName(f"There is nothing named {name!r} to fetch: choose one of {', '.join(names())}.")
    published = _PUBLISHED[name]
    try:
        model = published.make(name)
    except ImportError as error:
        raise DownloadFailed(
            f"{name} needs the training install: pip install -r Model/training/requirements.txt."
        ) from error
    # rembg's downloader and torch's raise what their HTTP libraries raise: every one of them is an OSError or these.
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise DownloadFailed(
            f"{name} could not be fetched ({reason}): connect this machine to the network and try again, "
            f"or copy the folder {models_dir / name} from one that is."
        ) from error
    try:
        publish(_card(name, published, model), model, models_dir / name)
    except OSError as error:
        raise DownloadFailed(
            f"{models_dir / name} cannot be written ({error.strerror}): free or mend the disk."
        ) from error
    return models_dir / name


def names() -> list[str]:
    """Return what can be fetched."""
    return sorted(_PUBLISHED)


def _card(name: str, published: Published, model: bytes) -> Card:
    """Describe the model and store what it makes of the probe picture."""
    facts: dict[str, Any] = {
        "format": 1,
        "name": name,
        "kind": published.kind,
        "sha256": sha256_hex(model),
        "licence": published.licence,
        "source": published.source,
    }
    if published.kind == "segmenter":
        return Card(**facts, input_name=_input_name(model), input_size=(320, 320), resize="squash", stretch=True)
    card = Card(**facts, input_name="image", dim=published.dim, framing="garment", trained_on=("ImageNet-1k",))
    batch = to_batch([probe_picture(PROBE_SEED, card.input_size)], card)
    vector = unit(Session(model, card.input_name, threads=1).run(batch))[0]
    return card.model_copy(update={"probe": make_probe(PROBE_SEED, vector)})


def _input_name(model: bytes) -> str:
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return str(session.get_inputs()[0].name)


def _resnet(name: str) -> bytes:
    """Return torchvision's ImageNet ResNet without its head, in fp32, checked against torch."""
    import torch

    from Model.training.export import check_same, export_onnx
    from Model.training.torch_compat import import_torchvision

    models = import_torchvision().models
    network = models.get_model(name, weights="DEFAULT")
    network.fc = torch.nn.Identity()
    example = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, 224, 224)).astype(np.float32))
    with tempfile.TemporaryDirectory() as folder:
        file = export_onnx(network, example, Path(folder) / "model.onnx", "image", "embedding")
        check_same(network, file, example.numpy(), tolerance=1e-3)
        return file.read_bytes()


def _rembg(name: str) -> bytes:
    """Return one of rembg's networks, downloaded by rembg."""
    from rembg.sessions import sessions

    with tempfile.TemporaryDirectory() as folder, rembg_home(Path(folder)):
        return Path(sessions[name].download_models()).read_bytes()


_IMAGENET = "torchvision, ImageNet-1k weights"
_BSD = "BSD-3-Clause (torchvision); ImageNet's terms of use apply to the data"
_PUBLISHED: dict[str, Published] = {
    "imagenet-resnet34": Published(_IMAGENET, _BSD, lambda _: _resnet("resnet34"), "encoder", 512),
    "imagenet-resnet50": Published(_IMAGENET, _BSD, lambda _: _resnet("resnet50"), "encoder", 2048),
    "u2net": Published("rembg, U²-Net", "Apache-2.0", _rembg, "segmenter"),
    "u2netp": Published("rembg, U²-Netp", "Apache-2.0", _rembg, "segmenter"),
    "u2net_human_seg": Published("rembg, U²-Net for people", "Apache-2.0", _rembg, "segmenter"),
}
