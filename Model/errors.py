"""What can go wrong in Model, one class for each thing that a caller can act on.

    ModelError
    ├── ModelNotFound            no folder with a card.json of that name
    ├── CardInvalid              card.json is missing a field, or says something impossible
    ├── ChecksumMismatch         model.onnx is not the file that the card describes
    ├── ProbeMismatch            this machine computes something else than the card says
    ├── UnknownName              a registry has no entry of that name
    ├── DownloadFailed           weights could not be fetched
    ├── ImageError               the picture is at fault; the message is meant for the person who sent it
    │   ├── NotAnImage
    │   ├── ImageTruncated
    │   ├── ImageTooLarge        too many bytes or pixels
    │   └── CropInvalid          the crop box is empty or outside the picture
    └── TrainingError            training, export or evaluation cannot go on
        ├── LabelsInvalid        a label with one picture, a class that the model does not have, ...
        ├── SplitInvalid         a group on both sides of a split, an empty side, ...
        └── CheckpointInvalid    a checkpoint that does not fit or cannot be read

Every message is one sentence that says what to do. Model knows nothing of HTTP: Backend/errors.py maps these classes.
"""

from __future__ import annotations


class ModelError(Exception):
    """Base of every error that Model raises on purpose."""


class ModelNotFound(ModelError):
    """No folder of that name holds a card.json."""


class CardInvalid(ModelError):
    """card.json cannot be read, lacks a field, or says something impossible."""


class ChecksumMismatch(ModelError):
    """The model file is not the one that the card describes."""


class ProbeMismatch(ModelError):
    """The probe picture's vector on this machine is not the card's, on any way of computing it."""


class UnknownName(ModelError):
    """A registry has no entry of that name; the message lists the choices."""


class DownloadFailed(ModelError):
    """Weights could not be fetched, converted or stored."""


class ImageError(ModelError):
    """The picture cannot be used; the message is one sentence for the person who sent it."""


class NotAnImage(ImageError):
    """The bytes are no picture of a kind that is read."""


class ImageTruncated(ImageError):
    """The picture breaks off or its data is damaged."""


class ImageTooLarge(ImageError):
    """The picture has more bytes or more pixels than is allowed."""


class CropInvalid(ImageError):
    """The crop box is empty, not finite, or outside the picture."""


class TrainingError(ModelError):
    """Training, export or evaluation cannot go on with what it was given."""


class LabelsInvalid(TrainingError):
    """The labels cannot be trained on: too few pictures of one, or one that the model does not have."""


class SplitInvalid(TrainingError):
    """The split is unusable: one group on both sides, or an empty side."""


class CheckpointInvalid(TrainingError):
    """A checkpoint does not fit this training, or cannot be read."""
