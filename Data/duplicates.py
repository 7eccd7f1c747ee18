"""Pictures that several products show: the same file, or the same picture saved in another way.

Every two fingerprints that differ in at most RADIUS bits are equal in at least one of RADIUS + 1 bands, so that only
pictures that share a band are compared: a million pictures take seconds to minutes, not days.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from Data.catalogue import Catalogue
from Data.fingerprint import SHAPE_BYTES, is_fingerprint, unpack

RADIUS = 8
"""Bits of 144 that may differ."""

BANDS = RADIUS + 1
FIELD_TOLERANCE = 1
"""Steps of 16 that a colour of a field may be off."""

BLOCK = 2000
"""Pictures of one band that are compared with as many others at once."""

Pairs = NDArray[np.int64]


@dataclass(frozen=True)
class DuplicateGroup:
    """Products that show the same picture.

    Args:
        kind: "exact" where it is one file, "near" where it is several that look the same.
        sha256s: the files, in rising order.
        product_ids: of the products, in rising order; at least two.
    """

    kind: Literal["exact", "near"]
    sha256s: tuple[str, ...]
    product_ids: tuple[str, ...]


def find_duplicates(catalogue: Catalogue, batch_size: int = 5000) -> list[DuplicateGroup]:
    """Return the groups of products that show the same picture, largest first.

    Products of one group_id are variants of one another and may share their pictures: they make no group of their own.

    Args:
        catalogue: whose pictures have fingerprints; one without is compared as a file alone.
        batch_size: pictures read at once. Memory holds a fingerprint and a key of each picture, some 200 bytes.
    """
    sha256s: list[str] = []
    marked: list[int] = []
    prints: list[str] = []
    for batch in catalogue.iterate_pictures(batch_size):
        for facts in batch:
            if facts.phash is not None and is_fingerprint(facts.phash):
                marked.append(len(sha256s))
                prints.append(facts.phash)
            sha256s.append(facts.sha256)
    pairs = np.array(marked, np.int64)[near_pairs(prints)] if prints else np.empty((0, 2), np.int64)
    groups = [group for files in _components(sha256s, pairs, batch_size) if (group := _group(catalogue, files))]
    shared = {sha256 for group in groups for sha256 in group.sha256s}
    groups += _same_files(catalogue, [sha256 for sha256 in sha256s if sha256 not in shared], batch_size)
    return sorted(groups, key=lambda group: (-len(group.product_ids), group.product_ids))


def twins(groups: Collection[DuplicateGroup]) -> dict[str, frozenset[str]]:
    """Return product_id to the products that show the same picture: what a query by product may leave out."""
    found: dict[str, set[str]] = {}
    for group in groups:
        for product_id in group.product_ids:
            found.setdefault(product_id, set()).update(group.product_ids)
    return {product_id: frozenset(others - {product_id}) for product_id, others in found.items()}


def near_pairs(prints: list[str]) -> Pairs:
    """Return the pairs of fingerprints that are near: (n, 2) positions, the first below the second, each once."""
    shapes, fields = unpack(prints)
    width = SHAPE_BYTES // BANDS
    found: list[Pairs] = []
    for band in range(BANDS):
        keys = np.ascontiguousarray(shapes[:, band * width : (band + 1) * width]).view(np.uint16).ravel()
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[order])) + 1
        found += [
            pairs for run in np.split(order, starts) if len(run) > 1 for pairs in _within(np.sort(run), shapes, fields)
        ]
    return np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 2), np.int64)


def _within(run: NDArray[np.int64], shapes: NDArray[np.uint8], fields: NDArray[np.int8]) -> Iterator[Pairs]:
    """Yield the near pairs of one band, a block at a time."""
    for start in range(0, len(run), BLOCK):
        left = run[start : start + BLOCK]
        for other in range(start, len(run), BLOCK):
            right = run[other : other + BLOCK]
            bits = np.zeros((len(left), len(right)), np.uint16)
            for column in range(SHAPE_BYTES):
                bits += np.bitwise_count(shapes[left, column][:, None] ^ shapes[right, column])
            first, second = np.nonzero((bits <= RADIUS) & (left[:, None] < right))
            a, b = left[first], right[second]
            alike = np.abs(fields[a] - fields[b]).max(axis=1, initial=0) <= FIELD_TOLERANCE
            yield np.stack([a[alike], b[alike]], axis=1)


def _components(sha256s: list[str], pairs: Pairs, batch_size: int) -> list[list[str]]:
    """Return the files that hang together by pairs, as lists of two and more."""
    if not len(pairs):
        return []
    used, positions = np.unique(pairs, return_inverse=True)
    ends = positions.reshape(pairs.shape)
    graph = coo_matrix((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(len(used), len(used)))
    _, labels = connected_components(graph, directed=False)
    order = np.argsort(labels, kind="stable")
    return [
        [sha256s[int(used[position])] for position in part]
        for part in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    ]


def _group(catalogue: Catalogue, sha256s: list[str]) -> DuplicateGroup | None:
    """Return the group of the products that show these files; None where they are one product or its variants."""
    shown = catalogue.products_showing(sha256s)
    ids = sorted({product_id for ids in shown.values() for product_id in ids})
    if len(ids) < 2:
        return None
    products = [product for product in catalogue.get_many(ids) if product is not None]
    if len({product.group_id or product.product_id for product in products}) < 2:
        return None
    return DuplicateGroup("exact" if len(shown) == 1 else "near", tuple(sorted(shown)), tuple(ids))


def _same_files(catalogue: Catalogue, sha256s: list[str], batch_size: int) -> list[DuplicateGroup]:
    """Return the groups of products that show one and the same file."""
    found = []
    for start in range(0, len(sha256s), batch_size):
        shown = catalogue.products_showing(sha256s[start : start + batch_size])
        found += [
            group
            for sha256, ids in shown.items()
            if len(ids) > 1 and (group := _group(catalogue, [sha256])) is not None
        ]
    return found
