"""Several processes that average their weights: against the mean taken by hand."""

from __future__ import annotations

import atexit
import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from Model.errors import CheckpointInvalid, TrainingError  # noqa: E402
from Model.training.crew import Alone, work_together  # noqa: E402

pytestmark = pytest.mark.torch


def network(rank: int) -> torch.nn.Module:
    """Return a network whose weights and running statistics differ from rank to rank."""
    torch.manual_seed(rank)
    made = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    made(torch.rand(2, 3, 8, 8))
    return made.to(memory_format=torch.channels_last)


def meet(crew: Alone, folder: Path) -> None:
    """Average, agree on rank 0's number, write down what came out; leave what aborts the interpreter's end."""
    atexit.register(os.abort)
    mine = network(crew.rank)
    crew.average([mine])
    torch.save((mine.state_dict(), crew.agree(10.0 + crew.rank)), folder / f"{crew.rank}.pt")


def fall_out(crew: Alone) -> None:
    """End one of the workers."""
    if crew.rank == 1:
        raise CheckpointInvalid("It does not fit: delete it.")
    crew.agree(0.0)


def test_weights_are_averaged_one_number_counts_and_nothing_after_the_work_does(tmp_path: Path) -> None:
    work_together(meet, (tmp_path,), workers=2)
    first, second = (network(rank).state_dict() for rank in range(2))
    assert not torch.equal(first["0.weight"], second["0.weight"])
    assert not torch.equal(first["1.running_mean"], second["1.running_mean"])
    for rank in range(2):
        state, agreed = torch.load(tmp_path / f"{rank}.pt")
        assert agreed == 10.0
        for name, value in state.items():
            if value.is_floating_point():
                assert torch.allclose(value, (first[name] + second[name]) / 2, atol=1e-6), name


def test_what_ends_a_worker_is_said_in_its_own_words() -> None:
    with pytest.raises(TrainingError, match=r"^It does not fit: delete it\.$"):
        work_together(fall_out, (), workers=2)
