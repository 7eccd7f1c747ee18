"""What ranks products: how alike they look, and whether they are what the photo seems to show.

A network takes a folded shirt for a blouse where a shop knows which of its products are shirts. So a product whose
category the photo hardly shows is ranked as if it looked less alike: cosine and category are two opinions, pooled as
logarithms with a weight. What is very probably the very garment keeps its place, whatever its shop calls it.

Source: the logarithmic opinion pool, Genest and Zidek 1986, https://doi.org/10.1214/ss/1177013825
"""

from __future__ import annotations

import math
from collections.abc import Mapping

CATEGORY_DOUBT = 0.03
"""Share of all answers in which even a sure classifier is taken to be mistaken: bounds what a category can cost."""


def category_losses(probabilities: Mapping[str, float], weight: float) -> dict[str, float]:
    """Return what products of each category lose of their cosine: 0 for the likeliest, more the less likely one is.

    Args:
        probabilities: of each category that the classifier knows, 0..1; empty where there is no classifier.
        weight: what a factor of e in probability is worth in cosine, 0 or more; 0.1 was best on validation photos
            (docs/experiments.md, 50).
    Returns:
        weight * ln(P_best / P), each P mixed with CATEGORY_DOUBT. A category that is not in it loses nothing: nobody
        can say whether the photo shows it.
    """
    doubted = {name: (1 - CATEGORY_DOUBT) * share + CATEGORY_DOUBT for name, share in probabilities.items()}
    best = max(doubted.values(), default=1.0)
    return {name: weight * math.log(best / share) for name, share in doubted.items()}


def rank_score(cosine: float, loss: float, match_probability: float | None) -> float:
    """Return what products are ranked by.

    Args:
        cosine: of product and photo, -1..1.
        loss: of the product's category; see `category_losses`.
        match_probability: of being the very garment, 0..1; None for an uncalibrated encoder, which counts as 0.
    """
    return cosine - loss * (1.0 - (match_probability or 0.0))
