"""A recording stretch of wire between the page and the service: what travelled is what the service got."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}
SEARCH = "/api/recommendations/similar-images"


@dataclass(frozen=True)
class Form:
    """A multipart form as it was sent.

    Attributes:
        fields: Values by name, in order.
        photo: The bytes of the file, or None.
    """

    fields: dict[str, list[str]]
    photo: bytes | None

    @property
    def crop(self) -> tuple[int, int, int, int]:
        """The crop in pixels of the upright photo."""
        assert self.fields["crop_unit"] == ["px"]
        left, top, width, height = map(int, self.fields["crop"][0].split(","))
        return left, top, width, height


@dataclass
class Recorder:
    """The wire.

    Attributes:
        url: Where the page calls it.
        searches: The searches that travelled, oldest first.
    """

    url: str = ""
    searches: list[Form] = field(default_factory=list)


@contextmanager
def recording(service_port: int) -> Iterator[Recorder]:
    """Forward everything to the service on this machine; where nobody answers, drop the connection."""
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == SEARCH:
                recorder.searches.append(_form(self.headers["Content-Type"], body))
            upstream = http.client.HTTPConnection("127.0.0.1", service_port, timeout=60)
            try:
                upstream.request(self.command, self.path, body or None, dict(self.headers.items()))
                answer = upstream.getresponse()
                content = answer.read()
            except OSError:
                self.close_connection = True
                return
            finally:
                upstream.close()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP | {"content-length"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    recorder.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()


def _form(content_type: str, body: bytes) -> Form:
    """Read a multipart form. Source: RFC 7578."""
    boundary = b"--" + content_type.split("boundary=")[1].encode()
    fields: dict[str, list[str]] = {}
    photo = None
    for part in body.split(boundary)[1:-1]:
        head, content = part.removeprefix(b"\r\n").removesuffix(b"\r\n").split(b"\r\n\r\n", 1)
        name = head.split(b'name="')[1].split(b'"')[0].decode()
        if name == "file":
            photo = content
        else:
            fields.setdefault(name, []).append(content.decode())
    return Form(fields, photo)
