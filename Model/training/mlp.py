"""The classifier's network, 512-512-n on frozen unit vectors, and how it is fitted and calibrated."""

from __future__ import annotations

import io
import logging
import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from Model.errors import CheckpointInvalid

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

HIDDEN = 512


class Mlp(nn.Module):
    """Two layers on a unit vector.

    Args:
        dim: of the vectors.
        classes: number of logits.
        dropout: share of hidden units left out while training.
    """

    def __init__(self, dim: int, classes: int, dropout: float = 0.3) -> None:
        super().__init__()
        # A unit vector's values are about 1 / sqrt(dim); the layers want about 1.
        self.register_buffer("scale", torch.full((dim,), math.sqrt(dim)))
        self.hidden = nn.Linear(dim, HIDDEN)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(HIDDEN, classes)

    scale: Tensor

    @torch.no_grad()
    def fit_scale(self, vectors: Tensor) -> None:
        """Bring values that are spread more widely than most down to a standard deviation of 1. Shape: (n, dim).

        The names in a shipped vector (naming.py) are ten times as loud as its features, and would be all that is heard.
        """
        widest = math.sqrt(vectors.shape[1])
        self.scale.copy_((1 / vectors.std(dim=0, correction=0)).clamp(max=widest))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits. Shape: (n, dim) -> (n, classes)."""
        logits: Tensor = self.out(self.dropout(F.relu(self.hidden(vectors * self.scale))))
        return logits


@dataclass(frozen=True)
class FitOptions:
    """How an Mlp is fitted.

    Args:
        epochs: at most.
        stop_after: epochs without a better validation loss until the end; more than `slow_after`, or the learning
            rate would never get its second chance.
        slow_after: epochs without a better validation loss until the learning rate is cut to a third.
        balance: 0 counts every picture alike, 1 every class alike.
        noise: standard deviation of what is added to each value of a scaled vector.
    """

    epochs: int = 120
    batch: int = 256
    rate: float = 1e-3
    decay: float = 0.05
    smoothing: float = 0.05
    stop_after: int = 16
    slow_after: int = 5
    balance: float = 0.5
    noise: float = 0.9
    seed: int = 7

    def __post_init__(self) -> None:
        if self.stop_after <= self.slow_after:
            raise ValueError("stop_after must be longer than slow_after")


def class_weights(labels: Ints, classes: int, balance: float) -> Tensor:
    """Return weights with mean 1 over the examples: size ** -balance. Shape: (classes,)."""
    counts = np.bincount(labels, minlength=classes).clip(1).astype(np.float64)
    weights = counts**-balance
    weights *= len(labels) / weights[labels].sum()
    return torch.from_numpy(weights.astype(np.float32))


def fit(
    network: Mlp,
    train: tuple[Floats, Ints],
    validation: tuple[Floats, Ints],
    options: FitOptions,
    resume: bytes | None = None,
    on_epoch: Callable[[bytes, int], None] | None = None,
) -> dict[str, float]:
    """Fit the network in place and leave it with the weights of its best epoch.

    Args:
        train, validation: unit vectors and class indices.
        resume: a checkpoint that `on_epoch` got in an earlier run.
        on_epoch: called after each epoch with a checkpoint and the epoch's number.
    Returns:
        Best epoch, epochs run and validation loss.
    Raises:
        CheckpointInvalid: `resume` does not fit the network.
    """
    vectors, labels = torch.from_numpy(train[0]), torch.from_numpy(train[1])
    network.fit_scale(vectors)
    held_vectors, held_labels = torch.from_numpy(validation[0]), torch.from_numpy(validation[1])
    weights = class_weights(train[1], network.out.out_features, options.balance)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=options.decay)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=1 / 3, patience=options.slow_after)
    generator = torch.Generator().manual_seed(options.seed)
    best: dict[str, Any] = {"loss": math.inf, "epoch": -1, "weights": network.state_dict()}
    first = 0
    if resume is not None:
        first, best = _load(resume, network, optimiser, scheduler)
        generator.manual_seed(options.seed + first)
    done = first
    for epoch in range(first, options.epochs):
        if epoch - best["epoch"] > options.stop_after:
            break
        network.train()
        for chosen in torch.randperm(len(labels), generator=generator).split(options.batch):
            noise = torch.randn(len(chosen), vectors.shape[1], generator=generator) * options.noise / network.scale
            logits = network(vectors[chosen] + noise)
            loss = F.cross_entropy(logits, labels[chosen], weight=weights, label_smoothing=options.smoothing)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            held = float(F.cross_entropy(network(held_vectors), held_labels, weight=weights))
        scheduler.step(held)
        done = epoch + 1
        if held < best["loss"]:
            copied = {name: value.clone() for name, value in network.state_dict().items()}
            best = {"loss": held, "epoch": epoch, "weights": copied}
        if on_epoch is not None:
            on_epoch(_dump(done, best, network, optimiser, scheduler), epoch)
    network.load_state_dict(best["weights"])
    network.eval()
    return {"best_epoch": float(best["epoch"]), "epochs": float(done), "validation_loss": float(best["loss"])}


def _dump(epoch: int, best: dict[str, Any], network: Mlp, optimiser: Any, scheduler: Any) -> bytes:
    buffer = io.BytesIO()
    state = {"epoch": epoch, "best": best, "network": network.state_dict()}
    torch.save(state | {"optimiser": optimiser.state_dict(), "scheduler": scheduler.state_dict()}, buffer)
    return buffer.getvalue()


def _load(content: bytes, network: Mlp, optimiser: Any, scheduler: Any) -> tuple[int, dict[str, Any]]:
    try:
        state = torch.load(io.BytesIO(content), weights_only=True)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        scheduler.load_state_dict(state["scheduler"])
    except (RuntimeError, KeyError, ValueError, OSError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointInvalid("The checkpoint does not fit this training: delete it to start anew.") from error
    return int(state["epoch"]), state["best"]


def logits_of(network: Mlp, vectors: Floats) -> Floats:
    """Return logits without gradients. Shape: (n, dim) -> (n, classes)."""
    network.eval()
    with torch.no_grad():
        result: Floats = network(torch.from_numpy(vectors)).numpy()
    return result


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Return probabilities of each row. Shape: (n, classes)."""
    shifted = (logits - logits.max(axis=1, keepdims=True)) / temperature
    exponentials = np.exp(shifted)
    result: Floats = exponentials / exponentials.sum(axis=1, keepdims=True)
    return result


def best_temperature(logits: Floats, truth: Ints) -> float:
    """Return the temperature in 0.2 .. 5 with the least log loss.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599
    """

    def loss(temperature: float) -> float:
        right = softmax(logits, temperature)[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(right, 1e-12)).mean())

    return float(min(np.geomspace(0.2, 5.0, 161), key=loss))


def doubt_threshold(probabilities: Floats, truth: Ints, highest: float = 0.6) -> float:
    """Return the probability under which an answer is wrong more often than right, counted over all such answers.

    Args:
        highest: never more than this.
    """
    confidence = probabilities.max(axis=1)
    order = np.argsort(confidence)
    wrong = np.where(probabilities.argmax(axis=1)[order] != truth[order], 1, -1)
    balance = np.cumsum(wrong)
    if balance.max(initial=0) <= 0:
        return 0.0
    return float(min(confidence[order][int(balance.argmax())], highest))
