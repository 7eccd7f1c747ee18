"""Import torchvision where its compiled operators and the installed torch do not match.

With the CPU build of torch 2.13.0 beside torchvision 0.28.0 from PyPI, `import torchvision` raises
"operator torchvision::nms does not exist". Declaring the two operators lets the models and transforms import; the
operators themselves (and torchvision.io) stay unusable, and nothing here uses them.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any, TypeVar, cast

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def import_torchvision() -> ModuleType:
    """Return the torchvision package with `models` loaded.

    Raises:
        RuntimeError: torchvision fails for another reason than the missing operators.
    """
    try:
        return importlib.import_module("torchvision.models") and sys.modules["torchvision"]
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", _SCHEMA)
    for name in [name for name in sys.modules if name == "torchvision" or name.startswith("torchvision.")]:
        del sys.modules[name]
    importlib.import_module("torchvision.models")
    return sys.modules["torchvision"]


def channels_last(network: Network) -> Network:
    """Return the network with its weights laid out channels last, which a CPU's bf16 convolutions want.

    torch's own type stubs do not know this argument of `Module.to`.
    """
    return cast("Network", cast("Any", network).to(memory_format=torch.channels_last))
