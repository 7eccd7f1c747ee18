"""Several pictures as one query: the weighted mean of their directions."""

from collections.abc import Mapping, Sequence

import numpy as np

from Backend.errors import PartsUnusable
from Backend.queries import Query

SHORTEST = 1e-3


def combine(queries: Sequence[Query], weights: Sequence[float]) -> Query:
    """Return the query that lies between queries, nearer to those of greater weight.

    Its category is that of the weightiest query, its probabilities are the mean of theirs; a query that lacks them
    leaves the mix without. One query comes back as it is.

    Args:
        queries: 1 or more.
        weights: above 0, one for each; an empty sequence weighs all the same.
    Raises:
        PartsUnusable: not one weight for each query, or queries that cancel each other out.
    """
    if weights and len(weights) != len(queries):
        raise PartsUnusable(f"Send one weight for each picture: {len(queries)}, not {len(weights)}.")
    if len(queries) == 1:
        return queries[0]
    shares = np.asarray(weights or [1.0] * len(queries), dtype=np.float64)
    shares /= shares.sum()
    mean = shares @ np.stack([query.vector for query in queries])  # (dim,)
    length = np.linalg.norm(mean)
    if length < SHORTEST:
        raise PartsUnusable("These pictures cancel each other out: send fewer, or other weights.")
    return Query(
        vector=(mean / length).astype(np.float32),
        category=queries[int(shares.argmax())].category,
        coverage=float(shares @ [query.coverage for query in queries]),
        garment_found=any(query.garment_found for query in queries),
        probabilities=_mean([query.probabilities for query in queries], shares.tolist()),
    )


def _mean(opinions: Sequence[Mapping[str, float]], shares: Sequence[float]) -> dict[str, float]:
    """Return the weighted mean of the probabilities of each category; none if one of them is silent."""
    if not all(opinions):
        return {}
    slugs = dict.fromkeys(slug for opinion in opinions for slug in opinion)
    return {
        slug: sum(share * opinion.get(slug, 0.0) for opinion, share in zip(opinions, shares, strict=True))
        for slug in slugs
    }
