"""Every error that the catalogue room raises on purpose. Each message is one sentence that says what to do.

DataError
├── ProductInvalid        a row that is not a product (carries the row number and the reason)
├── ProductNotFound
├── FilterInvalid         a filter or a page cursor that cannot be read
├── ImageNotFound
├── ImageStoreError       the picture store cannot be read or written
├── DatabaseError
│   ├── DatabaseOutOfDate     the tables are older or newer than this program
│   └── DatabaseUnavailable   no connection, locked for too long, disk full
├── ChangesPruned         the change log no longer reaches back far enough
├── LeaseHeld             another process holds the lease
├── BackupError
│   ├── BackupInvalid     the backup is incomplete, damaged or of an unknown version
│   └── RestoreRefused    the place to restore into is not empty
├── UnknownImporter       no importer has this name
├── ImportFailed          a whole source is unusable (encoding, columns)
│   └── SourceCutOff      it ends in the middle
├── SyncRefused           a sync that would take away too much
├── FetchError
│   ├── FetchRefused      address, type or size that the policy forbids
│   │   └── FileTooLarge
│   └── FetchFailed       network trouble
└── VectorIndexError
    ├── IndexMissing
    ├── ForeignEmbedder   vectors of another embedder
    ├── DimensionMismatch
    ├── VectorsInvalid    NaN, infinite, zero or not unit length
    ├── IndexCorrupt      a file is damaged
    ├── GenerationRefused a new generation failed its checks
    └── IndexFull         the disk is full
"""


class DataError(Exception):
    """Base of every error of this package."""


class ProductInvalid(DataError):
    """A row that is not a product.

    Args:
        row: Number of the row in its source, counted from 1; 0 when there is no source.
        reason: One sentence that a person understands.
        product_id: The row's id, where it could be read.
    """

    def __init__(self, row: int, reason: str, product_id: str | None = None) -> None:
        super().__init__(f"Row {row}: {reason}" if row else reason)
        self.row = row
        self.reason = reason
        self.product_id = product_id


class ProductNotFound(DataError):
    """No product has this id."""

    def __init__(self, product_id: str) -> None:
        super().__init__(f"There is no product with the id {product_id[:200]!r}.")
        self.product_id = product_id


class FilterInvalid(DataError):
    """A filter or a page cursor cannot be read."""


class ImageNotFound(DataError):
    """The picture store holds no picture with this sha256."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"There is no picture with the sha256 {sha256[:64]!r}.")
        self.sha256 = sha256


class ImageStoreError(DataError):
    """The picture store cannot be read or written."""


class DatabaseError(DataError):
    """The database cannot do what was asked."""


class DatabaseOutOfDate(DatabaseError):
    """The tables are not those this program was written for.

    Args:
        found: Revision in the database, None for an empty one.
        expected: Revision of this program.
    """

    def __init__(self, found: str | None, expected: str) -> None:
        newer = found is not None and found > expected
        super().__init__(
            f"The database is at revision {found or 'none'} and this version of Similook needs {expected}: "
            + ("use the newer version that wrote it." if newer else "run `similook db upgrade`.")
        )
        self.found = found
        self.expected = expected


class DatabaseUnavailable(DatabaseError):
    """No connection, locked for longer than the timeout, or the disk is full."""


class ChangesPruned(DataError):
    """The change log no longer reaches back to the position asked for.

    Args:
        seq: The position asked for.
        pruned_through: Changes up to this one have been removed.
    """

    def __init__(self, seq: int, pruned_through: int) -> None:
        super().__init__(
            f"The change log was pruned through {pruned_through} and cannot continue from {seq}: open the newest "
            "index generation, or build one with `similook index --rebuild`."
        )
        self.seq = seq
        self.pruned_through = pruned_through


class LeaseHeld(DataError):
    """Another process holds the lease."""

    def __init__(self, name: str, holder: str | None) -> None:
        super().__init__(
            f"{holder or 'Another process'} holds the lease {name!r}: stop it, or wait until its lease has run out."
        )
        self.name = name
        self.holder = holder


class BackupError(DataError):
    """A backup could not be written or restored."""


class BackupInvalid(BackupError):
    """The backup is incomplete, damaged or of an unknown version."""


class RestoreRefused(BackupError):
    """The place to restore into already holds a catalogue."""


class UnknownImporter(DataError):
    """There is no importer of this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"There is no importer named {name!r}: choose among {', '.join(known)}.")
        self.name = name


class ImportFailed(DataError):
    """A whole source is unusable: wrong encoding, missing columns, not a file of this kind."""


class SourceCutOff(ImportFailed):
    """A source ends in the middle: what came before is good, and nothing can be said about what is missing."""


class SyncRefused(DataError):
    """A sync would take away too much of the catalogue."""


class FetchError(DataError):
    """A picture could not be fetched."""


class FetchRefused(FetchError):
    """The address, the type or the size is one that the policy forbids."""


class FileTooLarge(FetchRefused):
    """There are more bytes than may come."""


class FetchFailed(FetchError):
    """The network or the other server failed."""


class VectorIndexError(DataError):
    """Base of the vector index's errors."""


class IndexMissing(VectorIndexError):
    """There is no index generation to open."""


class ForeignEmbedder(VectorIndexError):
    """Vectors of another embedder than the index's."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(
            f"The index holds vectors of the embedder {expected} and was given some of {found}: "
            "run `similook index --rebuild` with the embedder that is in use."
        )
        self.expected = expected
        self.found = found


class DimensionMismatch(VectorIndexError):
    """Vectors of another length than the index's."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(
            f"Vectors must have {expected} dimensions and these have {found}: use the same embedder for both."
        )
        self.expected = expected
        self.found = found


class VectorsInvalid(VectorIndexError):
    """A vector is NaN, infinite, zero or not of unit length."""


class IndexCorrupt(VectorIndexError):
    """A file of the index is damaged."""


class GenerationRefused(VectorIndexError):
    """A new generation failed its recall or completeness check."""


class IndexFull(VectorIndexError):
    """There is no room on the disk for the index."""
