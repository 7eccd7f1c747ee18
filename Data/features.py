"""Saved features: what the model saw in a picture, as float16 bytes keyed by picture and embedder."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from Data import feature_rows
from Data.database import reading, writing
from Data.records import FeatureBatch, FeatureRow, ProductColumns

__all__ = ["FeatureBatch", "FeatureRow", "Features", "ProductColumns"]


class Features:
    """Reads and writes features. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """The catalogue's database."""
        return self._engine

    def put(self, embedder_id: str, rows: Sequence[FeatureRow]) -> None:
        """Save features in one transaction; every product that shows one of the pictures becomes searchable.

        A feature that exists is replaced. An 'upsert' change is logged for each vector_id that shows the picture, and
        its status becomes 'indexed'.

        Raises:
            VectorsInvalid: NaN, infinite, or not of unit length within 1e-2; nothing is saved.
            DimensionMismatch: not the dimension of this embedder's other vectors; nothing is saved.
        """
        if not rows:
            return
        packed = feature_rows.pack(rows)
        with writing(self._engine) as connection:
            feature_rows.put(connection, embedder_id, packed)

    def get(self, sha256s: Sequence[str], embedder_id: str) -> dict[str, FeatureRow]:
        """Return the features of pictures; those without one are left out."""
        with reading(self._engine) as connection:
            return feature_rows.get(connection, sha256s, embedder_id)

    def iterate(self, embedder_id: str, batch_size: int = 1000) -> Iterator[FeatureBatch]:
        """Yield all vectors of products by rising vector_id; memory holds one batch, no transaction stays open.

        What changes meanwhile stands in the change log after the number that was last before the first batch.
        """
        after = -1
        while True:
            with reading(self._engine) as connection:
                batch = feature_rows.batch_after(connection, embedder_id, after, batch_size)
            if not len(batch):
                return
            yield batch
            after = int(batch.vector_ids[-1])

    def by_vector_ids(self, vector_ids: Sequence[int] | NDArray[np.int64], embedder_id: str) -> FeatureBatch:
        """Return the vectors that exist of those asked for, by rising vector_id."""
        with reading(self._engine) as connection:
            return feature_rows.by_vector_ids(connection, [int(number) for number in vector_ids], embedder_id)

    def columns(self, vector_ids: Sequence[int] | NDArray[np.int64], embedder_id: str) -> dict[int, ProductColumns]:
        """Return the filter columns alone, for 'meta' changes; vectors that are gone are left out."""
        with reading(self._engine) as connection:
            return feature_rows.columns(connection, [int(number) for number in vector_ids], embedder_id)

    def count(self, embedder_id: str) -> int:
        """Return the number of vectors that `iterate` yields."""
        with reading(self._engine) as connection:
            return feature_rows.count(connection, embedder_id)

    def embedders(self) -> list[str]:
        """Return the embedders that have features, in alphabetical order."""
        with reading(self._engine) as connection:
            return feature_rows.embedders(connection)

    def current_embedder(self) -> str | None:
        """Return the embedder whose features were written last; None where there are none."""
        with reading(self._engine) as connection:
            return feature_rows.current_embedder(connection)

    def delete_embedder(self, embedder_id: str) -> int:
        """Delete all features of an embedder that is no longer used; return how many. Its indexes must be gone."""
        with writing(self._engine) as connection:
            return feature_rows.delete_embedder(connection, embedder_id)

    def delete_unused(self) -> int:
        """Delete the features of pictures that no product shows; return how many."""
        with writing(self._engine) as connection:
            return feature_rows.delete_unused(connection)
