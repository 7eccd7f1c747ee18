"""Several processes that train one network, each on its own batches, and average their weights every few steps.

Two processes with a thread each get more out of two busy cores than one process with two threads: they wait for each
other once in a dozen steps instead of hundreds of times within each.

Source: Stich 2018, Local SGD, https://arxiv.org/abs/1805.09767
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.multiprocessing.spawn import ProcessException, spawn

from Model.errors import ModelError, TrainingError

PATIENCE = timedelta(hours=12)
"""How long one waits for the others: as long as the first one's preparations may take. One that falls out ends all."""


class Alone:
    """The crew of one: nothing to agree on."""

    rank = 0
    size = 1

    def agree(self, value: float) -> float:
        """Return the value."""
        return value

    def average(self, modules: list[nn.Module]) -> None:
        """Leave the modules as they are."""

    def leave(self) -> None:
        """Nothing to leave."""


class Crew(Alone):
    """One of several processes on one machine.

    Args:
        rank: 0 .. size - 1; rank 0 decides, measures and saves.
        meeting: a file that the processes find each other by; must not exist before.
    """

    def __init__(self, rank: int, size: int, meeting: Path) -> None:
        self.rank, self.size = rank, size
        distributed.init_process_group(
            "gloo", init_method=meeting.absolute().as_uri(), rank=rank, world_size=size, timeout=PATIENCE
        )

    def agree(self, value: float) -> float:
        """Return rank 0's value, to everybody; all must ask."""
        shared = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(shared, src=0)
        return float(shared)

    @torch.no_grad()
    def average(self, modules: list[nn.Module]) -> None:
        """Replace every floating-point weight and running mean by its average over the crew; all must ask."""
        tensors = [each for module in modules for each in module.state_dict().values() if each.is_floating_point()]
        flat = torch.cat([_in_memory_order(each) for each in tensors])
        distributed.all_reduce(flat)
        flat /= self.size
        at = 0
        for each in tensors:
            _in_memory_order(each).copy_(flat[at : at + each.numel()])
            at += each.numel()

    def leave(self) -> None:
        """End the meeting."""
        distributed.destroy_process_group()


def work_together(work: Callable[..., object], arguments: tuple[Any, ...], workers: int) -> None:
    """Run `work(crew, *arguments)` in several processes, and wait for all of them.

    Args:
        work: a function of a module; it and the arguments are pickled.
    Raises:
        TrainingError: what a worker said that ended with a ModelError or a missing file.
        ProcessException: a worker ended otherwise.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            spawn(_be_one, (work, arguments, workers, Path(folder)), nprocs=workers)
        except ProcessException as error:
            said = Path(folder) / "error"
            if said.exists():
                raise TrainingError(said.read_text(encoding="utf-8")) from error
            raise


def _be_one(rank: int, work: Callable[..., object], arguments: tuple[Any, ...], workers: int, folder: Path) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    crew = Crew(rank, workers, folder / "meeting")
    try:
        work(crew, *arguments)
    except (ModelError, FileNotFoundError) as error:
        (folder / "error").write_text(str(error), encoding="utf-8")
        raise
    crew.leave()
    # As forked processes end: a thread of torch that lets go of its last tensor only while the interpreter is torn down
    # aborts the process, when all its work is done (https://github.com/pytorch/pytorch/pull/179291).
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _in_memory_order(tensor: Tensor) -> Tensor:
    """Return all values as one flat view, whatever the layout. Shape: (...) -> (n,)."""
    return tensor.as_strided((tensor.numel(),), (1,))
