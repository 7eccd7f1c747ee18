"""One moment of the index: a base, what has changed since, and the search over both. Nothing in it ever changes."""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from Data.filters import Filter
from Data.index.allowed import Allowed
from Data.index.base import PAGE_ROWS
from Data.index.columns import Columns, WordField
from Data.index.generations import Generation
from Data.index.segments import Patch, Segment

By = Literal["product", "group", "picture"]
FacetField = Literal["category", "gender", "age_group", "brand", "colour"]

_DEEPER = 4  # how many times more rows are asked for where the pool holds too few products
_DROPPED_LATER = 32  # up to so many excluded products are dropped from the results, not taken out of the rows
_KEPT_FILTERS = 16


class ProductHit(NamedTuple):
    """A product that was found, its best picture's vector_id, the cosine in [-1, 1], and the product's category."""

    product_id: str
    vector_id: int
    cosine: float
    category: str | None = None


class _Entry(NamedTuple):
    """A row that was found: what makes two of them one result, the product, and how deep had to be looked for it.

    Equal cosines come in the order of their vector_id. Only where so many pictures are the same that one look does not
    bring all of them, those of the first look come first, whichever they are: a page that was shown stays as it was.
    """

    key: str | int
    hit: ProductHit
    look: int

    @property
    def place(self) -> tuple[float, int, int]:
        """What results are sorted by."""
        return -self.hit.cosine, self.look, self.hit.vector_id


@dataclass(frozen=True)
class Snapshot:
    """The index after the change number seq.

    Args:
        base: The generation; None before the first.
        seq: All changes up to this one are in it.
        dead: Rows of the base that are gone; None for none. Shape: (rows of the base,).
        patches: New columns of rows of the base, later ones win.
        segments: Vectors that the base lacks.
    """

    base: Generation | None
    seq: int
    dead: NDArray[np.bool_] | None = None
    patches: tuple[Patch, ...] = ()
    segments: tuple[Segment, ...] = ()
    _filters: dict[Filter, tuple[Allowed | None, list[Allowed]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def after(self, seq: int) -> "Snapshot":
        """Return the same state under a later change number."""
        return replace(self, seq=seq)

    def __len__(self) -> int:
        dead = 0 if self.dead is None else int(np.count_nonzero(self.dead))
        return (len(self.base.rows) if self.base else 0) - dead + self.delta

    @property
    def dim(self) -> int:
        """Length of a vector; 0 while there is none."""
        pieces = ([self.base] if self.base else []) + list(self.segments)
        return pieces[0].rows.dim if pieces else 0

    @property
    def delta(self) -> int:
        """Vectors outside the base."""
        return sum(int(np.count_nonzero(segment.live)) for segment in self.segments)

    # -- filters

    def base_mask(self, wanted: Filter) -> NDArray[np.bool_]:
        """Return which rows of the base pass. Shape: (rows of the base,)."""
        assert self.base is not None
        mask = self.base.columns.mask(wanted)
        if self.patches:
            # Who the product is never changes, so a patch does not hold it; only the other conditions are asked again.
            ids_only = Filter(product_ids=wanted.product_ids, exclude_product_ids=wanted.exclude_product_ids)
            others = replace(wanted, product_ids=None, exclude_product_ids=frozenset())
            named = None if ids_only.is_empty else self.base.columns.mask(ids_only)
            for patch in self.patches:
                passes = patch.columns.mask(others)
                mask[patch.rows] = passes if named is None else passes & named[patch.rows]
        return mask if self.dead is None else mask & ~self.dead

    def _allowed(self, wanted: Filter) -> tuple[Allowed | None, list[Allowed]]:
        """Return the rows of the base (None for all) and of each segment that pass, kept for the next query."""
        known = self._filters.get(wanted)
        if known is None:
            whole = self.base is None or (wanted.is_empty and self.dead is None)
            base = None if whole else Allowed(self.base_mask(wanted))
            known = (base, [Allowed(part.columns.mask(wanted) & part.live) for part in self.segments])
            if len(self._filters) >= _KEPT_FILTERS:
                self._filters.clear()
            self._filters[wanted] = known
        return known

    # -- search

    def search(self, query: NDArray[np.float32], k: int, wanted: Filter, by: By) -> list[ProductHit]:
        """Return the k best, the best picture of each product or group counting for it.

        The first results do not depend on k as long as it is at most PAGE_ROWS, so pages of them fit together.

        Args:
            query: Unit length. Shape: (1, dim).
        """
        dropped: frozenset[str] = frozenset()
        if 0 < len(wanted.exclude_product_ids) <= _DROPPED_LATER:
            dropped, wanted = wanted.exclude_product_ids, replace(wanted, exclude_product_ids=frozenset())
        base_rows, segment_rows = self._allowed(wanted)
        best: dict[str | int, _Entry] = {}
        pieces = [self._from_base(query, k, base_rows, by, dropped)]
        for segment, rows in zip(self.segments, segment_rows, strict=True):
            pieces.append(self._from_segment(segment, query, k, rows, by, dropped))
        for entry in itertools.chain.from_iterable(pieces):
            if entry.key not in best or entry.place < best[entry.key].place:
                best[entry.key] = entry
        return [entry.hit for entry in sorted(best.values(), key=lambda entry: entry.place)[:k]]

    def _from_segment(
        self, segment: Segment, query: NDArray[np.float32], k: int, rows: Allowed, by: By, dropped: frozenset[str]
    ) -> list[_Entry]:
        def look(depth: int, number: int) -> Iterator[_Entry]:
            scores, places = segment.rows.search(query, depth, rows)
            row, score = _ordered(places[0], scores[0])
            return _entries(segment.columns, segment.columns.texts, segment.ids[row], row, score, by, dropped, number)

        return _look_deeper(look, rows.count, k)

    def _from_base(
        self, query: NDArray[np.float32], k: int, rows: Allowed | None, by: By, dropped: frozenset[str]
    ) -> list[_Entry]:
        base = self.base
        if base is None:
            return []

        def look(depth: int, number: int) -> Iterator[_Entry]:
            places, scores = base.index.search(query, depth, rows)
            row, score = _ordered(places[0], scores[0])
            return _entries(base.columns, self._texts, base.ids.at(row), row, score, by, dropped, number)

        return _look_deeper(look, len(base.rows) if rows is None else rows.count, k)

    def _texts(self, name: WordField, rows: NDArray[np.int64]) -> list[str | None]:
        """Return what these rows of the base hold in a column that patches change, as the last one has it."""
        assert self.base is not None
        texts = self.base.columns.words[name].texts(rows)
        for patch in self.patches:
            places = np.minimum(np.searchsorted(patch.rows, rows), len(patch) - 1)
            changed = np.flatnonzero(patch.rows[places] == rows)
            for at, text in zip(changed.tolist(), patch.columns.words[name].texts(places[changed]), strict=True):
                texts[at] = text
        return texts

    # -- counts

    def count_products(self) -> int:
        """Return the number of distinct products that can be found."""
        if self.base is not None and self.dead is None and not self.segments:
            return self.base.manifest.products
        return sum(len(rows) for _, rows in self._distinct_rows(Filter()))

    def facets(self, name: FacetField, wanted: Filter) -> dict[str, int]:
        """Return how many of the products that pass have each value; products without one are left out."""
        counts: dict[str, int] = {}
        for columns, rows in self._distinct_rows(wanted):
            words = columns.words[name]
            codes = np.bincount(words.codes_at(rows), minlength=1)
            for code in np.flatnonzero(codes[1:]).tolist():
                text = words.table[code]
                counts[text] = counts.get(text, 0) + int(codes[code + 1])
        return counts

    def _distinct_rows(self, wanted: Filter) -> Iterator[tuple[Columns, NDArray[np.int64]]]:
        """Yield (columns, rows): one row of each product that passes, over all pieces."""
        seen: set[str] = set()
        for segment in self.segments:
            rows = segment.columns.one_row_per_product(segment.columns.mask(wanted) & segment.live)
            product = segment.columns.words["product_id"]
            texts = [product.text(row) or "" for row in rows.tolist()]
            yield segment.columns, rows[[text not in seen for text in texts]]
            seen.update(texts)
        if self.base is None:
            return
        mask = self.base_mask(wanted)
        if seen:
            mask &= ~self.base.columns.words["product_id"].mask(seen)
        chosen = np.zeros(len(mask), np.bool_)
        chosen[self.base.columns.one_row_per_product(mask)] = True
        for patch in reversed(self.patches):
            places = np.flatnonzero(chosen[patch.rows])
            chosen[patch.rows[places]] = False
            yield patch.columns, places
        yield self.base.columns, np.flatnonzero(chosen)


def _ordered(rows: NDArray[np.int64], scores: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows that were found, best first and equal ones by their number: Faiss gives those in its own order.

    Args:
        rows: -1 for none. Shape: (depth,).
        scores: Shape: (depth,).
    """
    order = np.lexsort((rows, -scores))
    order = order[rows[order] >= 0]
    return rows[order], scores[order]


def _entries(
    columns: Columns,
    texts: Callable[[WordField, NDArray[np.int64]], list[str | None]],
    ids: NDArray[np.int64],
    rows: NDArray[np.int64],
    scores: NDArray[np.float32],
    by: By,
    dropped: frozenset[str],
    look: int,
) -> Iterator[_Entry]:
    """Yield what was found, best first, with the key that makes two of them one result.

    Args:
        texts: What rows hold in a column, with what has changed since the columns were written.
    """
    product, categories = columns.words["product_id"], texts("category", rows)
    groups = texts("group_id", rows) if by == "group" else [None] * len(rows)
    found = zip(ids.tolist(), rows.tolist(), scores.tolist(), categories, groups, strict=True)
    for vector_id, row, score, category, group in found:
        product_id = product.text(row) or ""
        if product_id in dropped:
            continue
        key: str | int = product_id if group is None else f"group {group}"
        if by == "picture":
            key = vector_id
        yield _Entry(key, ProductHit(product_id, vector_id, score, category), look)


def _look_deeper(look: Callable[[int, int], Iterator[_Entry]], exist: int, k: int) -> list[_Entry]:
    """Return the first k entries of different keys, looking deeper until there are as many.

    Args:
        look: Takes a depth and the number of the look, and yields so many of the nearest, best first.
        exist: Rows that there are to find.
    """
    depth = min(exist, max(k, PAGE_ROWS))
    found: list[_Entry] = []
    for number in itertools.count():
        if not depth:
            break
        found = _continued(found, look(depth, number), k, last=depth >= exist)
        if len(found) >= k or depth >= exist:
            break
        depth = min(exist, depth * _DEEPER)
    return found


def _continued(first: list[_Entry], deeper: Iterator[_Entry], k: int, last: bool) -> list[_Entry]:
    """Return the results of a search continued by those of a deeper one, k of different keys.

    A deeper approximate search may find something that should have come earlier. Pages that were shown must stay, so it
    is left out, as a shallower search would have; unless nothing else is left to reach k.
    """
    found = {entry.key: entry for entry in first}
    tail = first[-1].hit.cosine if first else math.inf
    late: dict[str | int, _Entry] = {}
    for entry in deeper:
        if len(found) >= k:
            break
        if entry.key not in found and entry.key not in late:
            (found if entry.hit.cosine <= tail else late)[entry.key] = entry
    if last and len(found) < k:
        return sorted([*found.values(), *late.values()], key=lambda entry: entry.place)[:k]
    return list(found.values())
