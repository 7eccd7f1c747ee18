"""A shop on loopback: a real server whose pages a test lays out, and which can be told to misbehave."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Query = Mapping[str, str]


@dataclass
class Page:
    """What a path answers with.

    Args:
        body: or a function of the query that makes it.
        announced: Content-Length, where it is a lie.
        drip_s: waits between single bytes.
    """

    body: bytes | Callable[[Query], bytes]
    kind: str = "image/jpeg"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None
    drip_s: float = 0.0


@dataclass
class WebShop:
    """The running shop.

    Args:
        url: without a slash at the end.
        pages: by path; may be changed while it runs.
        calls: paths that were asked for, queries included.
    """

    url: str
    pages: dict[str, Page] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def show(self, path: str, body: bytes, kind: str = "image/jpeg") -> str:
        """Lay out a page and return its address."""
        self.pages[path] = Page(body, kind)
        return self.url + path


@contextmanager
def web_shop(tls: ssl.SSLContext | None = None) -> Iterator[WebShop]:
    """Run a shop until the block ends, over TLS where a server's context is given."""
    shop = WebShop("")

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            shop.calls.append(self.path)
            parts = urlsplit(self.path)
            page = shop.pages.get(parts.path)
            if page is None:
                self.send_error(404)
                return
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = page.body(query) if callable(page.body) else page.body
            etag = f'"{sha256(body).hexdigest()[:12]}"'
            if self.headers.get("If-None-Match") == etag:
                self.send_response(304)
                self.send_header("ETag", etag)
                self.end_headers()
                return
            self.send_response(page.status)
            self.send_header("Content-Type", page.kind)
            self.send_header("Content-Length", str(len(body) if page.announced is None else page.announced))
            self.send_header("ETag", etag)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                if not page.drip_s:
                    self.wfile.write(body)
                    return
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(page.drip_s)
            except OSError:
                return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    shop.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
