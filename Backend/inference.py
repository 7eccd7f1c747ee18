"""The bounded queue before the networks: pictures wait their turn off the event loop, and past a limit are turned away.
A second one of its kind stands before fetching, so that slow servers hold no threads but those.

One per worker process. A few threads run the work (ONNX Runtime lets go of the GIL while it computes); the event loop
only awaits. What cannot start soon is refused at once with a time to come back: memory and waiting stay bounded.
"""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from Backend.errors import QueueFull, WaitTooLong

Result = TypeVar("Result")

FIRST_GUESS_S = 0.3
SMOOTHING = 0.2


class InferenceQueue:
    """Run blocking picture work in `slots` threads, with at most `capacity` more waiting.

    Args:
        slots: pictures worked on at the same time.
        capacity: pictures that may wait; one more raises QueueFull.
        max_wait_s: longest wait for a turn in seconds; past it the work is dropped unstarted.
        name: of the threads.
    """

    def __init__(self, slots: int, capacity: int, max_wait_s: float, name: str = "inference") -> None:
        self.slots = slots
        self.capacity = capacity
        self.max_wait_s = max_wait_s
        self._pool = ThreadPoolExecutor(max_workers=slots, thread_name_prefix=name)
        self._admitted = 0
        self._usual_s = FIRST_GUESS_S

    @property
    def waiting(self) -> int:
        """Pictures admitted that no thread is free for."""
        return max(0, self._admitted - self.slots)

    @property
    def busy(self) -> int:
        """Pictures being worked on."""
        return min(self._admitted, self.slots)

    def retry_after_s(self) -> int:
        """Return in how many whole seconds a place will probably be free (at least 1)."""
        return max(1, math.ceil(self._usual_s * (self.waiting + 1) / self.slots))

    def check(self) -> None:
        """Refuse what `run` would refuse now: ask before doing what is only of use with a place.

        Raises:
            QueueFull: `capacity` pictures wait already.
        """
        if self.waiting >= self.capacity:
            raise QueueFull(retry_after_s=self.retry_after_s())

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` in a thread and return what it returns.

        Call from the event loop only: admission is counted there, without a lock. Work whose caller is cancelled is
        dropped if it waits; if it runs, it has its place until it ends.

        Raises:
            QueueFull: `capacity` pictures wait already.
            WaitTooLong: no thread came free in `max_wait_s`.
            Exception: whatever `work` raises.
        """
        self.check()
        self._admitted += 1
        enqueued = time.monotonic()

        def timed() -> Result:
            started = time.monotonic()
            if started - enqueued > self.max_wait_s:
                raise WaitTooLong(retry_after_s=self.retry_after_s())
            try:
                return work()
            finally:
                self._usual_s += SMOOTHING * (time.monotonic() - started - self._usual_s)

        loop = asyncio.get_running_loop()
        future = self._pool.submit(timed)
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave))
        return await asyncio.wrap_future(future)

    def _leave(self) -> None:
        self._admitted -= 1

    def close(self) -> None:
        """Drop what waits, let what runs end, and stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)
