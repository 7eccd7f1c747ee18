"""What a route needs of the running service, as a dependency."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request, UploadFile
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from Backend.errors import NotReady, QueueFull
from Backend.fetching import fetch_together
from Backend.inference import InferenceQueue
from Backend.metrics import Metrics
from Backend.room import Room
from Backend.security import Scope
from Backend.services import Services
from Data.crawler.fetcher import Fetcher

Result = TypeVar("Result")

bearer = HTTPBearer(auto_error=False, description="An API key; the first one is in `secrets/api_key`.")


@dataclass(frozen=True)
class Context:
    """The running service, as one request sees it.

    Args:
        services: what was loaded.
        queue: before the networks.
        fetching: before the threads that fetch.
        fetcher: fetches pictures that callers name by their address.
        room: for what was fetched, uploads and it together.
        max_upload_bytes: of what one request may bring, fetched or sent.
        metrics: counters.
        base_url: of this service as the caller's browser reaches it, without a slash at the end.
    """

    services: Services
    queue: InferenceQueue
    fetching: InferenceQueue
    fetcher: Fetcher
    room: Room
    max_upload_bytes: int
    metrics: Metrics
    base_url: str

    async def on_photo(self, file: UploadFile, work: Callable[[bytes], Result]) -> Result:
        """Run `work` on an upload's bytes when its turn comes.

        The upload waits on disk and is read by the thread that works on it, so that no more photos are in memory than
        are being worked on.

        Raises:
            Busy: see InferenceQueue.run.
        """
        return await self.in_turn(lambda: work(file.file.read()))

    async def in_turn(self, work: Callable[[], Result]) -> Result:
        """Run work for the networks when its turn comes.

        Raises:
            Busy: see InferenceQueue.run.
        """
        self.metrics.waiting.set(self.queue.waiting)
        try:
            with self._counting():
                return await self.queue.run(work)
        finally:
            self.metrics.waiting.set(self.queue.waiting)

    async def fetch(self, urls: Sequence[str]) -> list[bytes]:
        """Return the pictures at some addresses, when the turn of their request comes.

        Raises:
            Busy: see InferenceQueue.run; also when they could not be looked at afterwards.
            FetchError: see fetch_together.
        """
        with self._counting():
            self.queue.check()
            return await self.fetching.run(lambda: fetch_together(self.fetcher, urls, self.max_upload_bytes))

    @contextmanager
    def holding(self, pictures: Sequence[bytes]) -> Iterator[None]:
        """Hold fetched pictures inside.

        Raises:
            QueueFull: there is no room for them.
        """
        size = sum(len(data) for data in pictures)
        with self._counting():
            self.room.take(size)
        try:
            yield
        finally:
            self.room.give_back(size)

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Count the photos that are turned away inside."""
        try:
            yield
        except QueueFull:
            self.metrics.refused.inc()
            raise


async def context(request: Request) -> Context:
    """Return the running service.

    Raises:
        NotReady: it has not loaded yet, or is shutting down.
    """
    state = request.app.state
    if state.services is None:
        raise NotReady("The service is starting or stopping; try again in a few seconds.")
    base_url = state.settings.public_base_url or str(request.base_url).rstrip("/")
    return Context(
        state.services,
        state.queue,
        state.fetching,
        state.fetcher,
        state.room,
        state.settings.max_upload_bytes,
        state.metrics,
        base_url,
    )


Served = Annotated[Context, Depends(context)]


def require(scope: Scope) -> Callable[..., object]:
    """Return a dependency that lets only keys with `scope` through."""

    async def check(
        served: Served, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
    ) -> str:
        key = credentials.credentials if credentials else None
        return await run_in_threadpool(served.services.keys.check, key, scope)

    return check
