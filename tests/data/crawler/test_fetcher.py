"""The fetcher against a real server on loopback, and every way around it that we know of."""

import gzip
import ipaddress
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from Data.crawler import Fetcher, FetchLimits
from Data.crawler.addresses import is_public, judge
from Data.errors import FetchFailed, FetchRefused

PICTURE = b"\xff\xd8\xff" + bytes(5000)
FAST = FetchLimits(max_bytes=10_000, timeout_s=2.0, backoff_s=0.0)


class Shop(BaseHTTPRequestHandler):
    """A shop with every bad habit, one per path."""

    calls: list[str] = []  # noqa: RUF012 - one server per module
    busy = 0
    most_at_once = 0

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        Shop.calls.append(self.path)
        path = self.path.partition("?")[0]
        if path == "/picture.jpg":
            if self.headers.get("If-None-Match") == '"v1"':
                self.send_response(304)
                self.send_header("ETag", '"v1"')
                self.end_headers()
                return
            self.answer(PICTURE, ETag='"v1"', Host_Seen=self.headers["Host"])
        elif path == "/page.jpg":
            self.answer(b"<html>not found</html>", "text/html; charset=utf-8")
        elif path == "/big.jpg":
            self.answer(bytes(20_000))
        elif path == "/endless.jpg":
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.end_headers()
            try:
                while True:
                    self.wfile.write(bytes(5000))
            except OSError:
                return
        elif path == "/drip.jpg":
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.end_headers()
            try:
                for _ in range(200):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                return
        elif path == "/bomb.jpg":
            self.answer(gzip.compress(bytes(5_000_000)), Content_Encoding="gzip")
        elif path == "/cut.jpg":
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", "9000")
            self.end_headers()
            self.wfile.write(bytes(100))
        elif path == "/loop":
            self.redirect("/loop")
        elif path == "/moved":
            self.redirect("picture.jpg")
        elif path == "/inside":
            self.redirect("http://169.254.169.254/latest/meta-data/")
        elif path == "/file":
            self.redirect("file:///etc/passwd")
        elif path == "/busy":
            self.send_error(503)
        elif path == "/slow.jpg":
            Shop.busy += 1
            Shop.most_at_once = max(Shop.most_at_once, Shop.busy)
            time.sleep(0.1)
            Shop.busy -= 1
            self.answer(PICTURE)
        else:
            self.send_error(404)

    def answer(self, body: bytes, kind: str = "image/jpeg", **headers: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher(FAST, allow_private=True)


def test_a_picture_comes_and_is_not_sent_again_while_it_is_the_same(shop: str, fetcher: Fetcher) -> None:
    first = fetcher.fetch(f"{shop}/picture.jpg")
    assert first.data == PICTURE
    assert fetcher.fetch(f"{shop}/picture.jpg", etag=first.etag).data is None


def test_a_redirect_is_followed(shop: str, fetcher: Fetcher) -> None:
    assert fetcher.fetch(f"{shop}/moved").data == PICTURE


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/page.jpg", "text/html"),
        ("/big.jpg", "more than"),
        ("/endless.jpg", "more than"),
        ("/bomb.jpg", "compresses"),
        ("/loop", "redirects more than"),
        ("/file", "not an http"),
        ("/gone.jpg", "404"),
    ],
)
def test_what_is_not_a_picture_is_refused_at_once(shop: str, fetcher: Fetcher, path: str, said: str) -> None:
    Shop.calls.clear()
    with pytest.raises(FetchRefused, match=said):
        fetcher.fetch(shop + path)
    assert len(Shop.calls) <= FAST.redirects + 1  # never a second attempt


@pytest.mark.parametrize(
    ("path", "said"), [("/busy", "503"), ("/cut.jpg", "connection|broke off"), ("/drip.jpg", "longer|slow")]
)
def test_what_may_work_later_is_tried_again_and_then_told(shop: str, path: str, said: str) -> None:
    waits: list[float] = []
    limits = FetchLimits(max_bytes=10_000, timeout_s=0.4, attempts=3, backoff_s=0.25)
    Shop.calls.clear()
    with pytest.raises(FetchFailed, match=said):
        Fetcher(limits, allow_private=True, sleep=waits.append).fetch(shop + path)
    assert Shop.calls == [path] * 3
    assert waits == [0.25, 0.5]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://10.0.0.1/",
        "http://172.16.3.4/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://0/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
    ],
)
def test_no_address_inside_is_called(url: str) -> None:
    with pytest.raises(FetchRefused, match="private network"):
        Fetcher(FAST).fetch(url)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/a.jpg", "file:///etc/passwd", "//example.com/a.jpg", "a.jpg", "http://", "http://u:p@example.com/",
     "http://example.com:99999/", "gopher://example.com/", "http://[broken/"],
)  # fmt: skip
def test_only_whole_http_addresses_are_called(url: str) -> None:
    with pytest.raises(FetchRefused):
        Fetcher(FAST, resolve=lambda host, port: ["93.184.216.34"]).fetch(url)


def test_a_redirect_inside_is_refused(shop: str) -> None:
    """The first address is public by the resolver's word; where it sends us is judged again."""
    port = int(shop.rpartition(":")[2])
    asked: list[str] = []

    def resolve(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if host == "shop.example" else [host]

    def judged(host: str, at: int) -> list[str]:
        return resolve(host, at)

    fetcher = Fetcher(FAST, allow_private=True, resolve=judged)
    with pytest.raises((FetchFailed, FetchRefused)):
        fetcher.fetch(f"http://shop.example:{port}/inside")
    assert asked[:2] == ["shop.example", "169.254.169.254"]
    with pytest.raises(FetchRefused, match="private network"):
        judge("http://169.254.169.254/latest/meta-data/", False, resolve)


def test_the_judged_address_is_the_one_connected_to(shop: str) -> None:
    """DNS rebinding: a name is asked for once per hop, so a second answer cannot lead elsewhere."""
    answers = iter([["127.0.0.1"], ["203.0.113.1"]])
    port = int(shop.rpartition(":")[2])
    fetched = Fetcher(FAST, allow_private=True, resolve=lambda host, at: next(answers)).fetch(
        f"http://rebinding.example:{port}/picture.jpg"
    )
    assert fetched.data == PICTURE
    assert next(answers) == ["203.0.113.1"]


def test_one_private_address_among_public_ones_is_enough() -> None:
    with pytest.raises(FetchRefused):
        judge("http://shop.example/", False, lambda host, port: ["93.184.216.34", "10.0.0.1"])


def test_a_host_is_not_overrun(shop: str) -> None:
    fetcher = Fetcher(FetchLimits(per_host=2, timeout_s=10.0), allow_private=True)
    Shop.busy = Shop.most_at_once = 0
    threads = [threading.Thread(target=fetcher.fetch, args=(f"{shop}/slow.jpg",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= Shop.most_at_once <= 2


def test_is_public_agrees_with_the_lists_of_special_addresses() -> None:
    """Every IPv4 block of the special-purpose registry (RFC 6890) is refused at its first and last address."""
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"),
    ):
        network = ipaddress.IPv4Network(block)
        assert not is_public(network[0]) and not is_public(network[-1])
        assert not is_public(ipaddress.IPv6Address(f"::ffff:{network[0]}"))
    assert is_public(ipaddress.ip_address("93.184.216.34"))
    assert is_public(ipaddress.ip_address("2606:4700::1111"))
