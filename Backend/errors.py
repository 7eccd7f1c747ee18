"""What can go wrong in Backend, and the one table that says how any of our errors is told over HTTP.

    BackendError
    ├── RequestError            the caller can mend it
    │   ├── PhotoMissing        nothing to search by, or a query_token beside something else
    │   ├── UploadTooLarge      the body has more bytes than max_upload_mb
    │   ├── UploadTooSlow       the body stopped arriving
    │   ├── CropUnreadable      the crop is not four numbers
    │   ├── PartsUnusable       crops, boxes or weights that do not fit the pictures sent
    │   ├── ProductNotSeen      a product none of whose pictures has been looked at
    │   ├── NotCalibrated       a probability is asked for that the encoder does not give
    │   ├── PictureDamaged      a stored picture that cannot be made smaller
    │   ├── TokenInvalid        a query_token that this service did not sign
    │   └── TokenStale          a query_token made by other networks
    ├── AccessError
    │   ├── KeyMissing
    │   ├── KeyInvalid
    │   └── ScopeMissing
    ├── Busy                    come back in retry_after_s
    │   ├── QueueFull
    │   └── WaitTooLong
    └── OperatorError           for whoever runs the service: told on the command line
        ├── NotReady            the service has not loaded what it needs
        ├── BodyNotKept         a request's body cannot be written to the temporary folder
        ├── SecretUnusable
        ├── PortInUse
        ├── PartFailed          a part that the demo started ended by itself
        ├── KeyNameTaken
        ├── KeyNotFound
        ├── TrainingMissing     what training needs is not installed
        ├── NothingLabelled     no product has a picture and a category of the shop's own
        └── PathUnusable        a file or folder named on the command line

Model and Data know nothing of HTTP. `PROBLEMS` has a row for every error class of the three rooms, and
`tests/backend/test_errors.py` fails when one is missing. Source: RFC 9457, Problem Details for HTTP APIs.
"""

from dataclasses import dataclass

import Data.errors as data
import Model.errors as model


class BackendError(Exception):
    """Base of every error that Backend raises on purpose."""


class RequestError(BackendError):
    """The request cannot be answered as it is; the message is one sentence for whoever sent it."""


class PhotoMissing(RequestError):
    """There is nothing to search by, or a query_token is not alone."""

    def __init__(self) -> None:
        super().__init__(
            "Send a photo as `file`, an `image_url` or a `product_id`, or else the `query_token` of an earlier answer "
            "alone."
        )


class UploadTooLarge(RequestError):
    """The body is larger than the service takes."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(f"The upload is larger than {limit_bytes / 1e6:g} MB; send a smaller photo.")


class UploadTooSlow(RequestError):
    """The body stopped arriving, or trickles in."""

    def __init__(self) -> None:
        super().__init__("The upload arrives too slowly; send it again, or a smaller photo.")


class CropUnreadable(RequestError):
    """The crop is not `x,y,w,h`."""

    def __init__(self) -> None:
        super().__init__(
            "Write the crop as four numbers x,y,w,h with commas between them, for example 0.1,0.2,0.5,0.6."
        )


class PartsUnusable(RequestError):
    """Crops, boxes or weights do not fit the pictures that were sent."""


class ProductNotSeen(RequestError):
    """None of a product's pictures has been looked at, so that nothing is known of its looks."""

    def __init__(self, product_id: str) -> None:
        super().__init__(
            f"No picture of the product {product_id[:200]!r} has been looked at yet; its status at "
            "/api/products/{product_id}/status says why."
        )


class NotCalibrated(RequestError):
    """The encoder that serves has no fitted probabilities."""

    def __init__(self) -> None:
        super().__init__("The networks that serve here give no match_probability; leave min_match_probability out.")


class PictureDamaged(RequestError):
    """A stored picture whose file cannot be decoded."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"The file of the picture {sha256} is damaged, so that no smaller one can be made of it.")


class TokenInvalid(RequestError):
    """A query_token that this service did not sign."""

    def __init__(self) -> None:
        super().__init__("This query_token is damaged or was not made by this service; send the photo again.")


class TokenStale(RequestError):
    """A query_token whose vector was made by other networks than those that serve now."""

    def __init__(self) -> None:
        super().__init__("This query_token comes from an earlier version of the service; send the photo again.")


class AccessError(BackendError):
    """The caller may not do this."""


class KeyMissing(AccessError):
    """No API key was sent."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"Send an API key with the scope `{scope}` in the header `Authorization: Bearer <key>`.")


class KeyInvalid(AccessError):
    """The API key is none of ours."""

    def __init__(self) -> None:
        super().__init__("This API key is not known; check it, or have a new one made with `similook key create`.")


class ScopeMissing(AccessError):
    """The API key may not do this."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This API key lacks the scope `{scope}`; use another key, or have one made that has it.")


class Busy(BackendError):
    """There is more to do than the service can take on now.

    Args:
        retry_after_s: when to try again.
    """

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"The service is busy; try again in {retry_after_s} s.")


class QueueFull(Busy):
    """As many photos wait as may wait."""


class WaitTooLong(Busy):
    """The photo's turn did not come in time."""


class OperatorError(BackendError):
    """For whoever runs the service; the message is one sentence that says what to do."""


class NotReady(OperatorError):
    """The service has not loaded its networks, its database or its index."""


class BodyNotKept(OperatorError):
    """A request's body cannot be written to the temporary folder."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(
            f"The body of a request cannot be kept in the temporary folder ({reason}): free it, or name another with "
            "TMPDIR."
        )


class SecretUnusable(OperatorError):
    """A secret's file cannot be read or made."""


class PortInUse(OperatorError):
    """Another program listens there."""

    def __init__(self, port: int, option: str) -> None:
        super().__init__(f"Port {port} is in use by another program; stop it, or choose another port with {option}.")


class PartFailed(OperatorError):
    """A part that was started ended by itself or did not become ready."""


class KeyNameTaken(OperatorError):
    """A key of that name exists."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a key named {name!r} already; choose another name, or revoke that one first.")


class KeyNotFound(OperatorError):
    """No key has that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no key named {name!r}; `similook key list` shows those that exist.")


class PathUnusable(OperatorError):
    """A file or folder that was named cannot be read or written."""


class TrainingMissing(OperatorError):
    """What training needs is not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(
            f"Training needs {package}, which is not installed: run `pip install -r Model/training/requirements.txt`."
        )


class NothingLabelled(OperatorError):
    """No product has both a stored picture and a category of the shop's own."""

    def __init__(self) -> None:
        super().__init__(
            "No product of the catalogue has both a stored picture and a category of the shop's own: "
            "import some, or name a manifest or folder with --data."
        )


@dataclass(frozen=True)
class ProblemKind:
    """How a class of errors is told.

    Args:
        status: HTTP status.
        slug: last part of the problem's type.
        title: the same for every occurrence.
        detail: told instead of the error's own message, which would show the inside of the service.
    """

    status: int
    slug: str
    title: str
    detail: str | None = None


SERVER_FAULT = "Something went wrong in the service; try again, and name the request_id if it stays so."
UNAVAILABLE = "The service cannot answer at the moment; try again in a few seconds."


def _fault(slug: str, title: str) -> ProblemKind:
    """Return a row for an error that only the operator can mend: its message goes to the log alone."""
    return ProblemKind(500, slug, title, SERVER_FAULT)


def _unavailable(slug: str, title: str) -> ProblemKind:
    """Return a row for an error that passes, or that the operator mends while callers wait."""
    return ProblemKind(503, slug, title, UNAVAILABLE)


BACKEND_PROBLEMS: dict[type[Exception], ProblemKind] = {
    BackendError: _fault("internal-error", "The service failed"),
    RequestError: ProblemKind(400, "bad-request", "The request cannot be answered"),
    PhotoMissing: ProblemKind(400, "photo-missing", "Something to search by is needed"),
    UploadTooLarge: ProblemKind(413, "upload-too-large", "The upload is too large"),
    UploadTooSlow: ProblemKind(408, "upload-too-slow", "The upload is too slow"),
    CropUnreadable: ProblemKind(422, "crop-unreadable", "The crop cannot be read"),
    PartsUnusable: ProblemKind(422, "parts-unusable", "The parts do not fit the pictures"),
    ProductNotSeen: ProblemKind(409, "product-not-seen", "The product has not been looked at"),
    NotCalibrated: ProblemKind(422, "not-calibrated", "There are no probabilities"),
    PictureDamaged: ProblemKind(404, "picture-damaged", "The picture is damaged"),
    TokenInvalid: ProblemKind(400, "token-invalid", "The query_token cannot be used"),
    TokenStale: ProblemKind(409, "token-stale", "The query_token is out of date"),
    AccessError: ProblemKind(403, "forbidden", "This is not allowed"),
    KeyMissing: ProblemKind(401, "key-missing", "An API key is needed"),
    KeyInvalid: ProblemKind(401, "key-invalid", "The API key is not known"),
    ScopeMissing: ProblemKind(403, "scope-missing", "The API key may not do this"),
    Busy: ProblemKind(503, "busy", "The service is busy"),
    QueueFull: ProblemKind(429, "queue-full", "Too many photos at once"),
    WaitTooLong: ProblemKind(503, "wait-too-long", "The photo's turn did not come in time"),
    OperatorError: _fault("operator-error", "The service failed"),
    NotReady: _unavailable("not-ready", "The service is not ready"),
    BodyNotKept: _unavailable("body-not-kept", "The upload cannot be taken"),
    SecretUnusable: _fault("secret-unusable", "The service failed"),
    PortInUse: _fault("port-in-use", "The service failed"),
    PartFailed: _fault("part-failed", "The service failed"),
    KeyNameTaken: _fault("key-name-taken", "The service failed"),
    KeyNotFound: _fault("key-not-found", "The service failed"),
    TrainingMissing: _fault("training-missing", "The service failed"),
    NothingLabelled: _fault("nothing-labelled", "The service failed"),
    PathUnusable: _fault("path-unusable", "The service failed"),
}

MODEL_PROBLEMS: dict[type[Exception], ProblemKind] = {
    model.ModelError: _fault("model-error", "The networks failed"),
    model.ModelNotFound: _fault("model-not-found", "The networks are missing"),
    model.CardInvalid: _fault("card-invalid", "The networks cannot be used"),
    model.ChecksumMismatch: _fault("checksum-mismatch", "The networks cannot be used"),
    model.ProbeMismatch: _fault("probe-mismatch", "The networks cannot be used"),
    model.UnknownName: _fault("unknown-name", "The networks cannot be used"),
    model.DownloadFailed: _fault("download-failed", "The networks cannot be used"),
    model.ImageError: ProblemKind(422, "image-unusable", "The photo cannot be used"),
    model.NotAnImage: ProblemKind(415, "not-an-image", "This is not a picture"),
    model.ImageTruncated: ProblemKind(422, "image-truncated", "The photo is incomplete"),
    model.ImageTooLarge: ProblemKind(413, "image-too-large", "The photo is too large"),
    model.CropInvalid: ProblemKind(422, "crop-invalid", "The crop cannot be used"),
    model.TrainingError: _fault("training-error", "Training failed"),
    model.LabelsInvalid: _fault("labels-invalid", "Training failed"),
    model.SplitInvalid: _fault("split-invalid", "Training failed"),
    model.CheckpointInvalid: _fault("checkpoint-invalid", "Training failed"),
}

DATA_PROBLEMS: dict[type[Exception], ProblemKind] = {
    data.DataError: _fault("data-error", "The catalogue failed"),
    data.ProductInvalid: ProblemKind(422, "product-invalid", "The product cannot be taken"),
    data.ProductNotFound: ProblemKind(404, "product-not-found", "There is no such product"),
    data.FilterInvalid: ProblemKind(422, "filter-invalid", "The filter or cursor cannot be used"),
    data.ImageNotFound: ProblemKind(404, "image-not-found", "There is no such picture"),
    data.ImageStoreError: _unavailable("image-store-error", "The pictures cannot be reached"),
    data.DatabaseError: _unavailable("database-error", "The catalogue cannot be reached"),
    data.DatabaseOutOfDate: _unavailable("database-out-of-date", "The catalogue has to be migrated"),
    data.DatabaseUnavailable: _unavailable("database-unavailable", "The catalogue cannot be reached"),
    data.ChangesPruned: _unavailable("changes-pruned", "The index is out of date"),
    data.LeaseHeld: ProblemKind(409, "lease-held", "Another process is doing this"),
    data.BackupError: _fault("backup-error", "The backup failed"),
    data.BackupInvalid: _fault("backup-invalid", "The backup cannot be used"),
    data.RestoreRefused: _fault("restore-refused", "The backup cannot be restored there"),
    data.UnknownImporter: _fault("unknown-importer", "The import failed"),
    data.ImportFailed: ProblemKind(422, "import-failed", "The source cannot be used"),
    data.SourceCutOff: ProblemKind(422, "source-cut-off", "The source ends in the middle"),
    data.SyncRefused: ProblemKind(409, "sync-refused", "The sync would take away too much"),
    data.FetchError: ProblemKind(422, "fetch-error", "The picture could not be fetched"),
    data.FetchRefused: ProblemKind(422, "fetch-refused", "Pictures may not be fetched from there"),
    data.FileTooLarge: ProblemKind(422, "file-too-large", "The picture is too large"),
    data.FetchFailed: ProblemKind(422, "fetch-failed", "The picture could not be fetched"),
    data.VectorIndexError: _unavailable("index-error", "The index cannot be used"),
    data.IndexMissing: _unavailable("index-missing", "There is no index yet"),
    data.ForeignEmbedder: _unavailable("foreign-embedder", "The index was made by other networks"),
    data.DimensionMismatch: _unavailable("dimension-mismatch", "The index was made by other networks"),
    data.VectorsInvalid: _fault("vectors-invalid", "The networks failed"),
    data.IndexCorrupt: _unavailable("index-corrupt", "The index is damaged"),
    data.GenerationRefused: _fault("generation-refused", "The new index was refused"),
    data.IndexFull: _unavailable("index-full", "The disk is full"),
}

PROBLEMS: dict[type[Exception], ProblemKind] = {**BACKEND_PROBLEMS, **MODEL_PROBLEMS, **DATA_PROBLEMS}


def problem_of(error_class: type[BaseException]) -> ProblemKind:
    """Return the row of an error class: its own, or that of its nearest ancestor, or `internal-error`."""
    for ancestor in error_class.__mro__:
        if (kind := PROBLEMS.get(ancestor)) is not None:
            return kind
    return BACKEND_PROBLEMS[BackendError]
