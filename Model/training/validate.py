"""A quick look at a network in training: accuracy and P@5 on the validation photos."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from Model.training.datasets import PictureSet, over_white
from Model.training.losses import Objective
from Model.training.resnet import DIM, Encoder
from Model.training.stage import normalise


@torch.no_grad()
def embed(network: Encoder, arch: str, source: PictureSet, size: int, batch: int = 64) -> Tensor:
    """Return the unit vectors of a whole set. Shape: (len(source), 512)."""
    network.eval()
    chunks = []
    for start in range(0, len(source), batch):
        pictures = over_white(source.pictures(np.arange(start, min(start + batch, len(source))), size))
        with torch.autocast("cpu", torch.bfloat16):
            chunks.append(network(normalise(pictures, arch)).float())
    return torch.cat(chunks)


@torch.no_grad()
def validate(network: Encoder, objective: Objective, arch: str, source: PictureSet, size: int) -> dict[str, float]:
    """Return head accuracy and P@5 among the labelled pictures of the set, neighbours of the same group left out."""
    vectors = embed(network, arch, source, size)
    # The heads read the features before they get unit length; their scale does not change which logit is largest
    # except through the bias, so they are brought back to the typical length.
    return figures(vectors, objective.heads["category_head"](vectors * math.sqrt(DIM)), source)


def figures(vectors: Tensor, logits: Tensor, source: PictureSet) -> dict[str, float]:
    """Return accuracy, mean recall of the classes, and P@5 among the labelled pictures of a set.

    Args:
        vectors: of every picture of the set, of equal lengths. Shape: (len(source), dim).
        logits: of its categories. Shape: (len(source), 13).
    """
    labels = torch.from_numpy(source.labels["category"])
    known = labels >= 0
    vectors, logits, labels = vectors[known], logits[known], labels[known]
    groups = np.array([record["group"] for record in source.records])[known.numpy()]
    accuracy = float((logits.argmax(1) == labels).float().mean())
    recall = [float((logits[labels == c].argmax(1) == c).float().mean()) for c in labels.unique()]
    scores = vectors @ vectors.T
    scores[torch.from_numpy(groups[:, None] == groups[None, :])] = -math.inf
    # A small set may have fewer than five pictures of other groups.
    nearest = scores.topk(min(5, len(scores)), dim=1)
    counted = nearest.values > -math.inf
    hits = (labels[nearest.indices] == labels[:, None]) & counted
    precision = int(hits.sum()) / max(1, int(counted.sum()))
    return {"accuracy": accuracy, "balanced": float(np.mean(recall)), "p5": precision}
