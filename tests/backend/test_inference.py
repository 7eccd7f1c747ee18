"""The queue before the networks: off the event loop, bounded, and honest about when to come back."""

import asyncio
import threading
import time

import pytest

from Backend.errors import QueueFull, WaitTooLong
from Backend.inference import InferenceQueue


def test_the_event_loop_goes_on_while_pictures_are_worked_on() -> None:
    async def scenario() -> int:
        queue = InferenceQueue(slots=1, capacity=4, max_wait_s=5)
        work = asyncio.create_task(queue.run(lambda: time.sleep(0.2)))
        turns = 0
        while not work.done():
            await asyncio.sleep(0.005)
            turns += 1
        queue.close()
        return turns

    assert asyncio.run(scenario()) > 10


def test_one_more_than_may_wait_is_turned_away_at_once() -> None:
    async def scenario() -> None:
        release = threading.Event()
        queue = InferenceQueue(slots=1, capacity=2, max_wait_s=5)
        admitted = [asyncio.create_task(queue.run(release.wait)) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert (queue.busy, queue.waiting) == (1, 2)
        with pytest.raises(QueueFull) as refused:
            await queue.run(release.wait)
        assert refused.value.retry_after_s >= 1
        release.set()
        assert await asyncio.gather(*admitted) == [True] * 3
        assert await queue.run(lambda: "free again") == "free again"
        queue.close()

    asyncio.run(scenario())


def test_what_waited_too_long_is_not_begun() -> None:
    async def scenario() -> None:
        begun: list[int] = []
        queue = InferenceQueue(slots=1, capacity=2, max_wait_s=0.05)
        first = asyncio.create_task(queue.run(lambda: time.sleep(0.2)))
        await asyncio.sleep(0.01)
        with pytest.raises(WaitTooLong):
            await queue.run(lambda: begun.append(1))
        await first
        assert begun == []
        queue.close()

    asyncio.run(scenario())


def test_a_failure_frees_its_place() -> None:
    async def scenario() -> None:
        queue = InferenceQueue(slots=1, capacity=1, max_wait_s=5)
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await queue.run(lambda: 1 // 0)
        await asyncio.sleep(0)
        assert (queue.busy, queue.waiting) == (0, 0)
        queue.close()

    asyncio.run(scenario())


def test_work_whose_caller_is_gone_is_dropped_or_keeps_its_place_until_it_ends() -> None:
    async def scenario() -> None:
        begun: list[str] = []
        release = threading.Event()
        queue = InferenceQueue(slots=1, capacity=1, max_wait_s=5)

        def work(name: str) -> None:
            begun.append(name)
            release.wait()

        running, waiting = (asyncio.create_task(queue.run(lambda name=name: work(name))) for name in "ab")
        await asyncio.sleep(0.05)
        assert (queue.busy, queue.waiting) == (1, 1)
        for task in (running, waiting):
            task.cancel()
        await asyncio.gather(running, waiting, return_exceptions=True)
        await asyncio.sleep(0)
        assert (queue.busy, queue.waiting) == (1, 0)
        release.set()
        assert await queue.run(lambda: "free again") == "free again"
        assert (begun, queue.busy) == (["a"], 0)
        queue.close()

    asyncio.run(scenario())


def test_retry_after_follows_how_long_pictures_take() -> None:
    async def scenario() -> tuple[int, int]:
        queue = InferenceQueue(slots=1, capacity=100, max_wait_s=60)
        before = queue.retry_after_s()
        queue._usual_s = 4.0
        after = queue.retry_after_s()
        queue.close()
        return before, after

    assert asyncio.run(scenario()) == (1, 4)
