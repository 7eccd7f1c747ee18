"""card.json: what a model folder says about its model.onnx.

A model is a folder: the ONNX file beside `card.json`. The card carries everything that a caller must know to use the
file and everything that a reader wants to know about where it came from; preprocessing is read from here and typed
nowhere else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from Model.errors import CardInvalid, ChecksumMismatch, ModelNotFound

CARD_FILE = "card.json"
CARD_FORMAT = 1

Fraction = Annotated[float, Field(ge=0, le=1)]
Byte = Annotated[int, Field(ge=0, le=255)]
Scale = Annotated[float, Field(gt=0)]
Background = Literal["white", "keep", "alpha"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Bands(_Frozen):
    """Where a match probability stops being a guess.

    Args:
        same: at or above this probability the two pictures probably show one garment.
        similar: at or above this one the two garments look alike.
    """

    same: Fraction
    similar: Fraction

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.similar > self.same:
            raise ValueError("bands.similar must not be above bands.same")
        return self


class Match(_Frozen):
    """How a cosine becomes a probability: 1 / (1 + exp(-(a * cosine + b))).

    Fitted on pairs of views of one garment against random pairs, per encoder.
    """

    kind: Literal["logistic"]
    a: Annotated[float, Field(gt=0)]
    b: float
    bands: Bands


class Probe(_Frozen):
    """A picture everyone can draw from a seed, and what the model made of it where it was exported.

    Args:
        seed: of the 8x8x3 noise that Model.probe draws.
        vector_fp16_b64: the unit-length result as little-endian float16, base64.
        min_cosine: what another machine's result must reach.
    """

    seed: Annotated[int, Field(ge=0)]
    vector_fp16_b64: str
    min_cosine: Fraction = 0.995

    @model_validator(mode="after")
    def _readable(self) -> Self:
        try:
            vector = self.vector
        except (binascii.Error, ValueError) as error:
            raise ValueError("probe.vector_fp16_b64 is not base64 of float16 values") from error
        if vector.size == 0 or not np.isfinite(vector).all() or not 0.9 < float(np.linalg.norm(vector)) < 1.1:
            raise ValueError("probe.vector_fp16_b64 does not hold a unit vector")
        return self

    @property
    def vector(self) -> npt.NDArray[np.float32]:
        """The stored vector. Shape: (dim,)."""
        return np.frombuffer(base64.b64decode(self.vector_fp16_b64, validate=True), dtype="<f2").astype(np.float32)


class Turns(_Frozen):
    """A linear head on an encoder's vectors that says which way up a garment lies; see Model/upright.py.

    Args:
        weights_fp16_b64: (4, dim) little-endian float16, base64: turned to the left by 0, 1, 2, 3 quarters.
        bias: of the same four.
        doubt: below this probability of being upright a picture is turned and looked at again.
        reluctance: mean logarithm of the probability by which another way up has to win.
    """

    weights_fp16_b64: str
    bias: tuple[float, float, float, float]
    doubt: Annotated[float, Field(gt=0, le=1)]
    reluctance: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _readable(self) -> Self:
        try:
            weights = self.weights
        except (binascii.Error, ValueError) as error:
            raise ValueError("turns.weights_fp16_b64 is not base64 of four rows of float16 values") from error
        if weights.size == 0 or not np.isfinite(weights).all():
            raise ValueError("turns.weights_fp16_b64 holds no finite values")
        return self

    @property
    def weights(self) -> npt.NDArray[np.float32]:
        """The stored matrix. Shape: (4, dim)."""
        values = np.frombuffer(base64.b64decode(self.weights_fp16_b64, validate=True), dtype="<f2")
        return values.astype(np.float32).reshape(4, -1)


class Card(_Frozen):
    """The contents of card.json.

    Args:
        format: version of this file's layout; this code reads format 1.
        name: of the model, for people.
        kind: encoder (picture to vector), segmenter (picture to mask) or classifier (vector to category).
        file: the ONNX file beside the card.
        sha256: of that file, lower-case hex.
        input_name: of the ONNX input.
        input_size: height and width in px; for a classifier unused.
        resize: letterbox keeps the aspect and pads with pad_color, squash does not keep it.
        pad_color: RGB, 0..255.
        mean, std: of the channels R, G, B as fractions of 1; the input is (x / 255 - mean) / std.
        dim: length of the vector, of an encoder's output or a classifier's input.
        normalised: whether the ONNX output already has unit length.
        background: what an encoder is given. white: cut-out garments on white; keep: pictures as they are; alpha:
            pictures as they are, with the garment mask as a fourth channel.
        framing: garment when the encoder sees the garment's own box (with a small margin), picture when all of it.
        precision: fp32, fp16 or int8.
        labels: a classifier's category slugs, in the order of its outputs.
        temperature: what a classifier's logits are divided by before the softmax.
        min_probability: below it a category is "not sure".
        min_coverage: share of the picture that a mask must cover to be a garment.
        stretch: whether a segmenter's output is only relative and must be min-max stretched (rembg's own networks);
            ours is a probability.
        licence, source, trained_on, metrics: where the weights came from, and what was measured.
        match: cosine to probability, for an encoder.
        turns: which way up a garment lies, for an encoder; None to take every picture as it comes.
        probe: a check that this machine computes the same.
    """

    format: Literal[1]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    kind: Literal["encoder", "segmenter", "classifier"]
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.onnx$")] = "model.onnx"
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    input_name: str = "input"
    input_size: tuple[Annotated[int, Field(gt=0, le=4096)], Annotated[int, Field(gt=0, le=4096)]] = (224, 224)
    resize: Literal["letterbox", "squash"] = "letterbox"
    pad_color: tuple[Byte, Byte, Byte] = (255, 255, 255)
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[Scale, Scale, Scale] = (0.229, 0.224, 0.225)
    dim: Annotated[int, Field(gt=0)] = 512
    normalised: bool = False
    background: Background = "white"
    framing: Literal["picture", "garment"] = "picture"
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    labels: tuple[str, ...] = ()
    temperature: Scale = 1.0
    min_probability: Fraction = 0.0
    min_coverage: Fraction = 0.0
    stretch: bool = False
    licence: str = ""
    source: str = ""
    trained_on: tuple[str, ...] = ()
    metrics: dict[str, JsonValue] = Field(default_factory=dict)
    match: Match | None = None
    turns: Turns | None = None
    probe: Probe | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind == "classifier" and len(self.labels) < 2:
            raise ValueError("a classifier needs at least two labels")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must differ from each other")
        if self.kind == "encoder" and self.probe is not None and self.probe.vector.size != self.dim:
            raise ValueError("probe.vector_fp16_b64 does not have dim values")
        if self.turns is not None and self.turns.weights.shape != (4, self.dim):
            raise ValueError("turns.weights_fp16_b64 does not have 4 x dim values")
        return self

    @classmethod
    def load(cls, folder: Path) -> Card:
        """Read and validate `folder/card.json`.

        Args:
            folder: a model folder.
        Raises:
            ModelNotFound: there is no card.json.
            CardInvalid: it cannot be read, or a field is missing or impossible.
        """
        path = folder / CARD_FILE
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise ModelNotFound(
                f"{path} does not exist: give a folder that holds card.json and its ONNX file."
            ) from error
        except (OSError, UnicodeDecodeError) as error:
            raise CardInvalid(f"{path} cannot be read ({error}): restore the file.") from error
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "card.json"
            raise CardInvalid(f"{path} is not a valid card: {where}: {first['msg']}; correct that field.") from error

    def save(self, folder: Path) -> Path:
        """Write the card as `folder/card.json`, readable by people, and return its path."""
        path = folder / CARD_FILE
        path.write_text(self.to_json() + "\n", encoding="utf-8")
        return path

    def to_json(self) -> str:
        """Return card.json's text."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False)

    def model_path(self, folder: Path) -> Path:
        """Return the path of the ONNX file without looking at it."""
        return folder / self.file

    def read_model(self, folder: Path) -> bytes:
        """Return the ONNX file's bytes after comparing their sha256 with the card.

        Raises:
            ModelNotFound: the file is missing.
            ChecksumMismatch: it is another file.
        """
        path = self.model_path(folder)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelNotFound(f"{path} cannot be read ({error.strerror}): restore the model folder.") from error
        if sha256_hex(data) != self.sha256:
            raise ChecksumMismatch(f"{path} is not the file its card describes: fetch or train the model again.")
        return data


def sha256_hex(data: bytes) -> str:
    """Return the sha256 of `data` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()
