"""What the garment mask's training begins from: a checkpoint's encoder, the shipped encoder, or the shipped mask."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from Model.card import Card
from Model.training.files import written_whole
from Model.training.mask_data import MaskSets
from Model.training.mask_net import FORMAT, GarmentMaskNet, normalised
from Model.training.warm_start import served_constants, unfold, unfold_into
from Model.weights import find_model

CHECKPOINT = "mask-checkpoint.pt"
"""Name of a run's checkpoint in its folder."""


def encoder_state(sets: MaskSets, checkpoint: Path | None) -> Mapping[str, Tensor]:
    """Return the weights that the mask network begins with: a checkpoint's encoder, or the shipped one.

    Args:
        sets: the shipped encoder's statistics are measured on its photos; see warm_start.py.
        checkpoint: of a stage of train_encoder.py.
    Raises:
        FileNotFoundError: there is no such checkpoint.
        CheckpointInvalid: the shipped encoder is no ResNet34.
    """
    if checkpoint is not None:
        state: Mapping[str, Tensor] = torch.load(checkpoint, map_location="cpu", weights_only=False)["average"]
        return state
    folder = find_model("resnet34")
    card = Card.load(folder)
    inputs = F.interpolate(normalised(_some_photos(sets)), size=card.input_size, mode="bilinear", antialias=True)
    return unfold(served_constants(card.read_model(folder)), inputs).state_dict()


def write_served(folder: Path, sets: MaskSets) -> Path:
    """Write the shipped mask network as a checkpoint to go on from, unless a run has done so; return its path.

    Args:
        sets: the statistics of its normalisations are measured on their photos; see warm_start.py.
    Raises:
        CheckpointInvalid: the shipped mask is another network.
    """
    file = folder / CHECKPOINT
    if file.exists():
        return file
    shipped = find_model("garment-mask")
    net = GarmentMaskNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    constants = served_constants(Card.load(shipped).read_model(shipped))
    unfold_into(net, constants, normalised(_some_photos(sets)), prefix="net.")
    state = {"format": FORMAT, "net": net.state_dict(), "average": net.state_dict()}
    with written_whole(file) as part:
        torch.save(state, part)
    return file


def _some_photos(sets: MaskSets, count: int = 96) -> Tensor:
    """Return some photos of the training side. Shape: (n, 3, 320, 320) in 0 .. 1."""
    known = sets.photos[~sets.photo_is_val]
    return torch.from_numpy(known[:: max(1, len(known) // count)][:count]).permute(0, 3, 1, 2).float() / 255
