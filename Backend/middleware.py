"""What surrounds every request: an id, one log line, counters, an answer whatever happens, and the limit on the body.

Plain ASGI, because the limit has to see the body's pieces as they arrive.
"""

import asyncio
import contextlib
import re
import secrets
import time

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from Backend.errors import BackendError, QueueFull, UploadTooLarge, UploadTooSlow
from Backend.metrics import Metrics
from Backend.problems import error_response
from Backend.room import Room

REQUEST_ID_HEADER = b"x-request-id"
ACCEPTED_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
NO_SNIFFING = (b"x-content-type-options", b"nosniff")
UNMATCHED = "(none)"
ABORTED = 499  # the caller went away before there was an answer; nginx's number for it
DRAIN_S = 10.0
GRACE_S = 30.0
"""A body may take so long, and more for what has arrived."""
LEAST_RATE = 50_000
"""Bytes a second that an upload has to reach in the long run."""
DRAIN_FACTOR = 10

log = structlog.stdlib.get_logger("similook.access")


class RequestContext:
    """Give each request an id, log it when it ends, and count it.

    An id that the caller sends in X-Request-ID is kept if it is harmless. The answer carries it, and the word to
    browsers to take no content for something else. An error that nobody foresaw is answered here, and not further
    out by the framework, so that this answer is like any other.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection event of the server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = dict(scope["headers"]).get(REQUEST_ID_HEADER, b"")
        request_id = sent if ACCEPTED_ID.fullmatch(sent) else secrets.token_hex(8).encode()
        scope["request_id"] = request_id.decode()
        method = scope["method"]
        if method == "HEAD":  # a GET whose body the server keeps back, for it goes by its own scope
            scope = {**scope, "method": "GET"}
        structlog.contextvars.bind_contextvars(request_id=scope["request_id"])
        started = time.perf_counter()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (REQUEST_ID_HEADER, request_id), NO_SNIFFING]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            if status is not None:  # too late for another answer: the server cuts this one off
                raise
            await error_response(Request(scope), error)(scope, receive, send_with_id)
        finally:
            elapsed_s = time.perf_counter() - started
            route = getattr(scope.get("route"), "path_format", UNMATCHED)
            self._metrics.requests.labels(method, route, str(status or ABORTED)).inc()
            self._metrics.latency.labels(route).observe(elapsed_s)
            log.info(
                "request",
                method=method,
                path=scope["path"],
                route=route,
                status=status or ABORTED,
                ms=round(elapsed_s * 1000, 1),
            )
            structlog.contextvars.unbind_contextvars("request_id")


class _Refused(Exception):
    """More bytes arrived than are allowed, or none for too long. Never leaves this file."""


class BodyLimit:
    """Stop reading a body that is larger than `max_bytes`, too slow, or has no room: answer 413, 408 or 429.

    The bytes are counted as they arrive, so neither a missing nor a false Content-Length helps. What is still on its
    way is read and thrown away for a while, because many clients look at the answer only after they sent everything.

    A body may take `GRACE_S`, and longer by what has arrived over `LEAST_RATE`: a phone's upload gets through, and
    nobody keeps room for ever by stopping in the middle.

    Args:
        max_bytes: of one body.
        room: for all bodies that are being received or worked on.
        metrics: count those that found no room.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, room: Room, metrics: Metrics) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._room = room
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection event of the server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _CountedBody(receive, self._max_bytes, self._room)

        async def send_unless_refused(message: Message) -> None:
            if body.refusal is None:
                await send(message)

        if _declared_length(scope) > self._max_bytes:
            body.refusal = UploadTooLarge(self._max_bytes)
        else:
            try:
                with contextlib.suppress(_Refused):
                    await self._app(scope, body.receive, send_unless_refused)
            finally:
                body.let_go()
        if body.refusal is not None:
            if isinstance(body.refusal, QueueFull):
                self._metrics.refused.inc()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await body.drain(self._max_bytes * DRAIN_FACTOR)
            response = error_response(Request(scope), body.refusal)
            response.headers["Connection"] = "close"
            await response(scope, receive, send)


class _CountedBody:
    """A request's body as it arrives, counted.

    Args:
        receive: the server's.
        max_bytes: more of them raise _Refused.
        room: taken for each piece that arrives.
    """

    def __init__(self, receive: Receive, max_bytes: int, room: Room) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._room = room
        self._received = 0
        self._held = 0
        self._ended = False
        self._began = asyncio.get_running_loop().time()
        self.refusal: BackendError | None = None

    async def receive(self) -> Message:
        """Return the next piece.

        Raises:
            _Refused: it is one too many, and `refusal` says why.
        """
        if self.refusal is None:
            try:
                # Once the body is whole, what is waited for is the end of the connection.
                async with asyncio.timeout_at(None if self._ended else self._deadline()):
                    message = await self._next()
            except TimeoutError:
                self.refusal = UploadTooSlow()
            else:
                self.refusal = self._hold(len(message.get("body", b"")))
                if self.refusal is None:
                    return message
        raise _Refused

    def let_go(self) -> None:
        """Give the room back: nothing of the body is kept any more."""
        self._room.give_back(self._held)
        self._held = 0

    def _deadline(self) -> float:
        """Return until when the next piece has to arrive, in seconds of the event loop's clock."""
        return self._began + GRACE_S + self._received / LEAST_RATE

    def _hold(self, count: int) -> BackendError | None:
        """Take room for a piece; return why that cannot be."""
        if self._received > self._max_bytes:
            return UploadTooLarge(self._max_bytes)
        try:
            self._room.take(count)
        except QueueFull as error:
            return error
        self._held += count
        return None

    async def drain(self, at_most: int) -> None:
        """Throw away what is still on its way, up to `at_most` bytes."""
        until = self._received + at_most
        while not self._ended and self._received < until:
            await self._next()

    async def _next(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        self._ended = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message


def _declared_length(scope: Scope) -> int:
    """Return the Content-Length, or 0 when it is missing or no number (the server refuses the latter itself)."""
    value = dict(scope["headers"]).get(b"content-length", b"0")
    return int(value) if value.isdigit() else 0
