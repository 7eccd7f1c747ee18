"""What one caller, or many, can take of a worker: bytes, threads, and the disk that uploads wait on."""

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from Backend.errors import QueueFull
from Backend.inference import InferenceQueue
from Backend.main import create_app
from Backend.metrics import Metrics
from Backend.middleware import BodyLimit
from Backend.room import Room
from Backend.settings import Settings
from tests.backend.conftest import DrawnPhoto

URL = "/api/recommendations/similar-images"
PIECE = bytes(10)


def refused(metrics: Metrics) -> bool:
    return b"similook_photos_refused_total 1.0" in metrics.render()


def test_bytes_are_held_until_they_are_given_back() -> None:
    room = Room(100)
    room.take(60)
    room.take(40)
    with pytest.raises(QueueFull):
        room.take(1)
    room.take(0)
    room.give_back(40)
    room.take(40)


class Reader:
    """A small service that reads the whole body, and answers when it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.whole = 0
        self.failing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            more = (await receive()).get("more_body", False)
        self.whole += 1
        await self.go.wait()
        if self.failing:
            raise ZeroDivisionError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def has_read(reader: Reader, bodies: int) -> None:
    """Wait until the service has read so many bodies."""
    while reader.whole < bodies:
        await asyncio.sleep(0)


async def post(service: BodyLimit, pieces: int, stops: bool = False) -> dict[Any, Any]:
    """Send a body of so many pieces and return the answer's headers, its status among them.

    Args:
        stops: never send the last piece.
    """
    left = pieces

    async def receive() -> Message:
        nonlocal left
        left -= 1
        await (asyncio.Event().wait() if stops and left == 0 else asyncio.sleep(0))
        return {"type": "http.request", "body": PIECE, "more_body": left > 0}

    told: dict[Any, Any] = {}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            told.update({**dict(message["headers"]), "status": message["status"]})

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    await service(scope, receive, send)
    return told


def test_bodies_that_find_no_room_are_refused_until_others_have_ended() -> None:
    async def scenario() -> None:
        reader, metrics = Reader(), Metrics()
        service = BodyLimit(reader, max_bytes=60, room=Room(100), metrics=metrics)
        first = asyncio.create_task(post(service, 6))
        await has_read(reader, 1)
        answer = await post(service, 6)
        assert (answer["status"], answer[b"connection"]) == (429, b"close")
        assert int(answer[b"retry-after"]) >= 1
        assert refused(metrics)
        # What came of the refused one is let go of: the room has place for four pieces beside the first.
        second = asyncio.create_task(post(service, 4))
        await has_read(reader, 2)
        reader.go.set()
        assert [answer["status"] for answer in await asyncio.gather(first, second)] == [200, 200]
        reader.failing = True
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await post(service, 6)
        reader.failing = False
        assert [(await post(service, 6))["status"] for _ in range(3)] == [200] * 3

    asyncio.run(scenario())


def test_a_body_that_stops_in_the_middle_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("Backend.middleware.GRACE_S", 0.05)
    monkeypatch.setattr("Backend.middleware.DRAIN_S", 0.05)

    async def scenario() -> None:
        reader, room = Reader(), Room(60)
        reader.go.set()
        service = BodyLimit(reader, max_bytes=60, room=room, metrics=Metrics())
        assert (await post(service, 6, stops=True))["status"] == 408
        assert (await post(service, 6))["status"] == 200  # there is room for all of it again

    asyncio.run(scenario())


def test_an_upload_without_room_is_told_when_to_come_back(client: TestClient, photos: list[DrawnPhoto]) -> None:
    state, settings = client.app.state, Settings()  # type: ignore[attr-defined]
    send = {"file": ("photo.jpg", photos[0].data)}
    state.room.take(settings.max_held_bytes)
    try:
        answer = client.post(URL, files=send)
        assert client.get("/readyz").status_code == 200
    finally:
        state.room.give_back(settings.max_held_bytes)
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:similook:problem:queue-full")
    assert int(answer.headers["retry-after"]) >= 1
    assert client.post(URL, files=send).status_code == 200


def test_ten_of_the_largest_uploads_are_held_unless_said_otherwise() -> None:
    assert Settings(max_upload_mb=5).max_held_bytes == 50_000_000
    assert Settings(max_upload_mb=5, max_held_mb=7).max_held_bytes == 7_000_000
    with pytest.raises(ValueError, match="at least max_upload_mb"):
        Settings(max_upload_mb=5, max_held_mb=4)


def test_a_full_disk_is_no_fault_of_the_callers(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing can be written to a folder that is gone either: the framework tells both alike, as a bad request."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    answer = client.post(URL, files={"file": b"\xff\xd8\xff" + bytes(2_000_000)})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:similook:problem:body-not-kept")
    assert int(answer.headers["retry-after"]) >= 1
    assert "gone" not in answer.text
    assert "temporary folder (No such file or directory)" in caplog.text


@pytest.mark.parametrize("body", [b'{"name": "\xff"}', b"[" * 200_000], ids=["not UTF-8", "nested"])
def test_json_that_cannot_be_read_is_not_asked_for_as_a_form(client: TestClient, body: bytes) -> None:
    answer = client.put("/api/products/x", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("The body of the request cannot be read; send JSON")


def test_a_form_that_cannot_be_read_is_asked_for_as_one(client: TestClient) -> None:
    answer = client.post(URL, content=b"x", headers={"Content-Type": "multipart/form-data; boundary=abc"})
    assert answer.status_code == 400
    assert answer.json()["detail"].endswith("multipart/form-data.")


@dataclass
class PictureHost:
    """Another server.

    Args:
        url: of one picture; its query may be anything.
        calls: how often it was asked.
        go: set it, and answers come.
    """

    url: str
    calls: list[str] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def host(photos: list[DrawnPhoto]) -> Iterator[PictureHost]:
    """Serve one picture, made 100 kB larger by what follows it in the file."""
    body = photos[6].data + bytes(100_000)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running.calls.append(self.path)
            running.go.wait(30)
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = PictureHost(f"http://127.0.0.1:{server.server_port}/picture.jpg")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield running
        running.go.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def fetching(settings: Settings) -> Iterator[TestClient]:
    """Return a client of a service that fetches from this machine, and takes 0.25 MB from one caller."""
    changed = settings.model_copy(update={"allow_private_addresses": True, "max_upload_mb": 0.25})
    with TestClient(create_app(changed), raise_server_exceptions=False) as client:
        yield client


def wait_for(condition: Any) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def test_the_addresses_of_one_request_share_its_bytes(fetching: TestClient, host: PictureHost) -> None:
    host.go.set()
    assert fetching.post(URL, data={"image_url": [host.url]}).status_code == 200
    answer = fetching.post(URL, data={"image_url": [f"{host.url}?{number}" for number in range(5)]})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:similook:problem:file-too-large")
    assert "together more than 250000 bytes" in answer.json()["detail"]
    assert len(host.calls) < 5


def test_slow_servers_hold_no_threads_but_those_that_fetch(fetching: TestClient, host: PictureHost) -> None:
    state = fetching.app.state  # type: ignore[attr-defined]
    usual, state.fetching = state.fetching, InferenceQueue(slots=1, capacity=1, max_wait_s=30)
    try:
        with ThreadPoolExecutor(2) as callers:
            slow = [callers.submit(fetching.post, URL, data={"image_url": [host.url]}) for _ in range(2)]
            wait_for(lambda: state.fetching.waiting == 1)
            answer = fetching.post(URL, data={"image_url": [host.url]})
            assert (answer.status_code, answer.json()["type"]) == (429, "urn:similook:problem:queue-full")
            assert len(host.calls) <= 1
            host.go.set()
            assert {each.result().status_code for each in slow} == {200}
    finally:
        host.go.set()
        state.fetching.close()
        state.fetching = usual


def test_nothing_is_fetched_that_could_not_be_looked_at(fetching: TestClient, host: PictureHost) -> None:
    state = fetching.app.state  # type: ignore[attr-defined]
    usual, state.queue = state.queue, InferenceQueue(slots=1, capacity=1, max_wait_s=30)
    release = threading.Event()
    try:
        assert fetching.portal is not None
        for _ in range(2):
            fetching.portal.start_task_soon(state.queue.run, lambda: release.wait(30))
        wait_for(lambda: state.queue.waiting == 1)
        answer = fetching.post(URL, data={"image_url": [host.url]})
        assert (answer.status_code, answer.json()["type"]) == (429, "urn:similook:problem:queue-full")
        assert host.calls == []
    finally:
        release.set()
        state.queue.close()
        state.queue = usual


def test_fetched_pictures_take_room_beside_the_uploads(fetching: TestClient, host: PictureHost) -> None:
    state = fetching.app.state  # type: ignore[attr-defined]
    host.go.set()
    most = state.settings.max_held_bytes - 50_000  # leaves room for the form, and none for the picture
    state.room.take(most)
    try:
        answer = fetching.post(URL, data={"image_url": [host.url]})
    finally:
        state.room.give_back(most)
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:similook:problem:queue-full")
    for _ in range(2 * state.settings.max_held_bytes // 100_000):
        assert fetching.post(URL, data={"image_url": [host.url], "crop": "0,0,0,0"}).status_code == 422
    assert fetching.post(URL, data={"image_url": [host.url]}).status_code == 200
