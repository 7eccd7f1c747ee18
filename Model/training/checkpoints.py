"""What a stage leaves behind: read, and refused where it is of another stage."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import torch

from Model.errors import CheckpointInvalid
from Model.training.stage import Stage


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what `train` has saved.

    Raises:
        FileNotFoundError: there is none.
        CheckpointInvalid: it cannot be read.
    """
    try:
        # Written by this program: it holds the stage's settings beside the weights.
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointInvalid(f"{path} is no checkpoint of a stage: delete it to train that stage anew.") from error
    return saved


def refuse_another_stage(saved: dict[str, Any], asked: Stage, path: Path) -> None:
    """Refuse a checkpoint that was trained with other settings; its folders may lie elsewhere by now.

    Raises:
        CheckpointInvalid: with the names of the settings.
    """
    before, now = ({name: _plain(value) for name, value in each.items()} for each in (saved, dataclasses.asdict(asked)))
    if differing := sorted(name for name in {*before, *now} if before.get(name) != now.get(name)):
        raise CheckpointInvalid(
            f"{path} is of a run with another {', '.join(differing)}: choose another folder, or delete it."
        )


def _plain(value: Any) -> Any:
    """Return a setting as JSON has it, with the names of files in the place of their paths."""
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return Path(value).name if isinstance(value, str) else value
