"""ONNX Runtime sessions: one way to open a model file, with few threads and no telemetry.

In what serves, this is the one module besides the settings that touches the environment: ONNX Runtime and numba read
their switches when they are imported, and rembg reads where its models may lie whenever it opens one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# 1.31 reports usage by default on Linux; numba would compile rembg's alpha matting, unused here, for a minute.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from Model.card import Card
from Model.errors import CardInvalid

Array = npt.NDArray[np.float32]

_REMBG_HOME_LOCK = threading.Lock()

_state = ort.capi.onnxruntime_pybind11_state
# ONNX Runtime's exceptions have no base of their own.
_ORT_ERRORS = (
    RuntimeError,
    ValueError,
    _state.EPFail,
    _state.EngineError,
    _state.Fail,
    _state.InvalidArgument,
    _state.InvalidGraph,
    _state.InvalidProtobuf,
    _state.NoModel,
    _state.NoSuchFile,
    _state.NotImplemented,
    _state.RuntimeException,
)


@contextmanager
def naming_ort_errors(what: str) -> Iterator[None]:
    """Raise ONNX Runtime's errors as CardInvalid: "The model <what> (<its first line>): export it again."."""
    try:
        yield
    except _ORT_ERRORS as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CardInvalid(f"The model {what} ({reason}): export it again.") from error


def session_options(threads: int, *, exact: bool = False) -> ort.SessionOptions:
    """Return ONNX Runtime's options for a service that shares its cores.

    Args:
        threads: per session, at least 1.
        exact: compute int8 models on their dequantised weights in float32: slower, and the same on every processor.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = max(threads, 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Spinning threads steal the core that the next request needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if exact:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    return options


class Session:
    """A loaded model file with one input and one output of interest, the first.

    `run` may be called from several threads at once.
    """

    def __init__(self, model: bytes, input_name: str, threads: int, *, exact: bool = False) -> None:
        """Load a model.

        Args:
            model: the ONNX file's bytes.
            input_name: as in the card.
            threads: at least 1.
            exact: see `session_options`.
        Raises:
            CardInvalid: the bytes are no ONNX model, or it has no input of that name.
        """
        with naming_ort_errors("file cannot be loaded"):
            self._session = ort.InferenceSession(
                model, sess_options=session_options(threads, exact=exact), providers=["CPUExecutionProvider"]
            )
        names = [each.name for each in self._session.get_inputs()]
        if names != [input_name]:
            raise CardInvalid(f"The model's inputs are {names}, its card says {input_name!r}: correct input_name.")
        self._input_name = input_name
        self._output_name = self._session.get_outputs()[0].name

    def run(self, batch: Array) -> Array:
        """Return the first output of the model for a batch. Shape: (n, ...) to (n, ...).

        Raises:
            CardInvalid: the model takes no batch of this shape.
        """
        with naming_ort_errors(f"cannot compute a batch of the shape {batch.shape}"):
            (output,) = self._session.run([self._output_name], {self._input_name: batch})
        return np.asarray(output, dtype=np.float32)


def open_session(folder: Path, card: Card, threads: int, *, exact: bool = False) -> Session:
    """Load the model of a folder after comparing its checksum with the card.

    Raises:
        ModelNotFound, ChecksumMismatch, CardInvalid.
    """
    return Session(card.read_model(folder), card.input_name, threads, exact=exact)


@contextmanager
def rembg_home(folder: Path) -> Iterator[None]:
    """Let rembg open a custom model inside `folder`: it refuses a file outside of its own home.

    U2NET_HOME wins over every other place, whatever the process was started with, and is put back afterwards.
    """
    with _REMBG_HOME_LOCK:
        before = os.environ.get("U2NET_HOME")
        os.environ["U2NET_HOME"] = str(folder.resolve())
        try:
            yield
        finally:
            if before is None:
                del os.environ["U2NET_HOME"]
            else:
                os.environ["U2NET_HOME"] = before
