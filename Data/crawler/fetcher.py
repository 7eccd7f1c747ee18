"""Fetch a picture by its address: only from where it may come from, never more than asked for, never for ever."""

import contextlib
import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import IO
from urllib.parse import quote, urljoin

import urllib3

from Data.crawler.addresses import Resolver, Target, judge, system_resolver
from Data.crawler.deadline import Deadline, WatchedConnection, WatchedTLSConnection
from Data.errors import FetchError, FetchFailed, FetchRefused, FileTooLarge
from Data.text import clean_text

REDIRECTS = {301, 302, 303, 307, 308}
TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}
CHUNK = 65_536
AGENT = "Similook"
_SAFE = "%/:=&?~#+!$,;'@()*[]"


@dataclass(frozen=True)
class FetchLimits:
    """What one fetch may cost.

    Args:
        max_bytes: of the body.
        timeout_s: for everything together, redirects included, each attempt; only looking up a name takes as long as
            the system lets it.
        connect_timeout_s: for one connection.
        redirects: followed at most.
        attempts: in all; network trouble and 5xx are tried again.
        backoff_s: wait before the second attempt; doubled each time.
        per_host: fetches from one host at the same time.
    """

    max_bytes: int = 20_000_000
    timeout_s: float = 20.0
    connect_timeout_s: float = 5.0
    redirects: int = 5
    attempts: int = 3
    backoff_s: float = 0.5
    per_host: int = 4


@dataclass(frozen=True)
class Fetched:
    """What came.

    Args:
        data: the body; None where it has not changed since the validators that were sent.
        etag: to be sent next time, None where the server gave none.
        last_modified: likewise.
    """

    data: bytes | None
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True)
class Downloaded:
    """What came into a file.

    Args:
        changed: whether anything did; False where it has not changed since the validators that were sent.
        etag: to be sent next time, None where the server gave none.
        last_modified: likewise.
    """

    changed: bool
    etag: str | None
    last_modified: str | None


@dataclass
class _Host:
    """A host that is being fetched from.

    Args:
        places: for fetches at the same time.
        users: those who have a place or wait for one.
    """

    places: threading.BoundedSemaphore
    users: int = 0


class Fetcher:
    """Fetches pictures and feeds. Safe to share between threads.

    Args:
        limits: what one fetch may cost.
        allow_private: let addresses inside private networks through; for a shop whose pictures lie there.
        resolve: name and port to addresses.
        sleep: waits between attempts, in seconds.
    """

    def __init__(
        self,
        limits: FetchLimits | None = None,
        allow_private: bool = False,
        resolve: Resolver = system_resolver,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = limits or FetchLimits()
        self._allow_private = allow_private
        self._resolve = resolve
        self._sleep = sleep
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    def fetch(
        self,
        url: str,
        etag: str | None = None,
        last_modified: str | None = None,
        kinds: tuple[str, ...] = ("image/", "application/octet-stream", "binary/octet-stream"),
        max_bytes: int | None = None,
    ) -> Fetched:
        """Return what an address points to.

        Args:
            url: http or https.
            etag: of what is there already.
            last_modified: of what is there already.
            kinds: how the Content-Type must begin; an empty tuple takes any.
            max_bytes: of the body, where that is less than the limits say.
        Raises:
            FetchRefused: an address or a type that is not allowed, and FileTooLarge: trying again is of no use.
            FetchFailed: the network or the other server failed, after all attempts.
        """
        body = io.BytesIO()
        limits = self._limits
        if max_bytes is not None:
            limits = replace(limits, max_bytes=min(max_bytes, limits.max_bytes))
        came = self._persist(url, _headers(etag, last_modified), kinds, body, limits)
        return Fetched(body.getvalue() if came.changed else None, came.etag, came.last_modified)

    def download(
        self,
        url: str,
        file: IO[bytes],
        etag: str | None = None,
        last_modified: str | None = None,
        limits: FetchLimits | None = None,
    ) -> Downloaded:
        """Write what an address points to into a file, whatever its type; memory holds one piece of it.

        Args:
            url: http or https.
            file: open for writing, and empty.
            etag: of what is there already.
            last_modified: of what is there already.
            limits: other ones than for pictures.
        Raises:
            FetchRefused, FetchFailed: as in `fetch`; the file may hold a part then.
        """
        return self._persist(url, _headers(etag, last_modified), (), file, limits or self._limits)

    def _persist(
        self, url: str, headers: dict[str, str], kinds: tuple[str, ...], body: IO[bytes], limits: FetchLimits
    ) -> Downloaded:
        """Try until it works or all attempts are used up."""
        for attempt in range(limits.attempts):
            if attempt:
                self._sleep(limits.backoff_s * 2 ** (attempt - 1))
                body.seek(0)
                body.truncate()
            try:
                return self._follow(url, headers, kinds, body, limits)
            except FetchFailed:
                if attempt + 1 == limits.attempts:
                    raise
        raise FetchFailed("No attempt was allowed: set attempts to 1 or more.")

    def _follow(
        self, url: str, headers: dict[str, str], kinds: tuple[str, ...], body: IO[bytes], limits: FetchLimits
    ) -> Downloaded:
        """Go from redirect to redirect, each judged like the first address."""
        with Deadline(limits.timeout_s) as deadline:
            for _ in range(limits.redirects + 1):
                target = judge(url, self._allow_private, self._resolve)
                with self._turn(target.host, deadline), self._answer(target, headers, deadline) as answer:
                    if answer.status not in REDIRECTS:
                        return _take(answer, deadline, kinds, body, limits)
                    url = _next(url, answer.headers.get("Location", ""))
        raise FetchRefused(f"The address redirects more than {limits.redirects} times.")

    @contextlib.contextmanager
    def _answer(
        self, target: Target, headers: dict[str, str], deadline: Deadline
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Connect to the judged address itself, under the name that was asked for, and yield the answer's head."""
        timeout = urllib3.Timeout(
            connect=min(self._limits.connect_timeout_s, deadline.left_s()), read=deadline.left_s()
        )
        pool: urllib3.HTTPConnectionPool
        if target.scheme == "https":
            pool = urllib3.HTTPSConnectionPool(
                target.ip,
                target.port,
                timeout=timeout,
                server_hostname=target.host,
                assert_hostname=target.host,
                deadline=deadline,
            )
            pool.ConnectionCls = WatchedTLSConnection
        else:
            pool = urllib3.HTTPConnectionPool(target.ip, target.port, timeout=timeout, deadline=deadline)
            pool.ConnectionCls = WatchedConnection
        try:
            answer = pool.urlopen(
                "GET",
                quote(target.path, safe=_SAFE),
                headers={**headers, "Host": target.host_header},
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                deadline.check()  # headers that were cut off look like headers that are complete
                yield answer
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            deadline.check()
            raise FetchFailed(f"{target.host[:120]} does not answer as it should ({_reason(error)}).") from error
        except ValueError as error:
            raise FetchRefused(f"{target.host[:120]} cannot be asked for this address.") from error
        finally:
            pool.close()

    @contextlib.contextmanager
    def _turn(self, name: str, deadline: Deadline) -> Iterator[None]:
        """Wait until fewer than `per_host` fetches from a host are under way."""
        with self._lock:
            host = self._hosts.setdefault(name, _Host(threading.BoundedSemaphore(self._limits.per_host)))
            host.users += 1
        try:
            if not host.places.acquire(timeout=deadline.left_s()):
                raise FetchFailed(f"Too many files of {name[:120]} are being fetched at once.")
            try:
                yield
            finally:
                host.places.release()
        finally:
            with self._lock:
                host.users -= 1
                if not host.users:
                    del self._hosts[name]


LENGTH_DIGITS = 19
KIND_LENGTH = 100
"""Characters of a Content-Type that a reason repeats."""


def _next(url: str, location: str) -> str:
    """Return where a redirect leads."""
    try:
        return urljoin(url, location)
    except ValueError:
        raise FetchRefused("The address redirects to something that is not a whole address.") from None


def _headers(etag: str | None, last_modified: str | None) -> dict[str, str]:
    headers = {"User-Agent": AGENT, "Accept": "image/*, */*;q=0.5", "Accept-Encoding": "identity"}
    if etag:
        headers["If-None-Match"] = etag
    if last_modified:
        headers["If-Modified-Since"] = last_modified
    return headers


def _take(
    answer: urllib3.BaseHTTPResponse, deadline: Deadline, kinds: tuple[str, ...], body: IO[bytes], limits: FetchLimits
) -> Downloaded:
    """Read a body within the limits."""
    etag, last_modified = _validator(answer, "ETag"), _validator(answer, "Last-Modified")
    if answer.status == 304:
        return Downloaded(False, etag, last_modified)
    if answer.status in TRY_AGAIN:
        raise FetchFailed(f"The server answered {answer.status}.")
    if answer.status != 200:
        raise FetchRefused(f"The server answered {answer.status}.")
    kind = clean_text(answer.headers.get("Content-Type", "").split(";")[0])[:KIND_LENGTH].lower()
    if kinds and not kind.startswith(kinds):
        raise FetchRefused(f"The address answers with {kind or 'something unnamed'}, not with a picture.")
    if answer.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise FetchRefused("The server compresses what it was asked to send as it is.")
    announced = _announced(answer)
    if announced is not None and announced > limits.max_bytes:
        raise FileTooLarge(f"The file has {announced} bytes, more than {limits.max_bytes}.")
    came = 0
    while chunk := answer.read1(CHUNK):
        came += len(chunk)
        if came > limits.max_bytes:
            raise FileTooLarge(f"The file has more than {limits.max_bytes} bytes.")
        body.write(chunk)
        deadline.check()
    deadline.check()
    if announced is not None and came < announced:
        raise FetchFailed("The connection broke off in the middle of the file.")
    if not came:
        raise FetchRefused("The file is empty.")
    return Downloaded(True, etag, last_modified)


def _announced(answer: urllib3.BaseHTTPResponse) -> int | None:
    """Return the Content-Length, None where it is missing or no number."""
    said = answer.headers.get("Content-Length", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) <= LENGTH_DIGITS else None


def _validator(answer: urllib3.BaseHTTPResponse, name: str) -> str | None:
    """Return what may be kept and sent back another time: a header of printable ASCII, None for any other."""
    said = answer.headers.get(name)
    return said if said is not None and said.isascii() and said.isprintable() else None


def _reason(error: Exception) -> str:
    """Return an error in a few words, without addresses."""
    if isinstance(error, (urllib3.exceptions.TimeoutError, TimeoutError)):
        return "too slow"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "its certificate is not valid"
    return "the connection failed"


__all__ = ["Downloaded", "FetchError", "FetchLimits", "Fetched", "Fetcher"]
