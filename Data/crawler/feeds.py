"""A shop's feed at an address, as a file: fetched again only when it has changed."""

import json
import os
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

from Data.crawler.addresses import split
from Data.crawler.fetcher import Fetcher, FetchLimits
from Data.durable import flush_folder
from Data.errors import ImportFailed

FEED_LIMITS = FetchLimits(max_bytes=8_000_000_000, timeout_s=1800.0)
"""A feed of a million products has about a gigabyte."""

_SUFFIX = 10


def download_feed(url: str, folder: Path, fetcher: Fetcher, limits: FetchLimits = FEED_LIMITS) -> Path:
    """Return the file of a feed, asking its server whether it has changed since the last time.

    Args:
        url: http or https.
        folder: where feeds are kept, made if missing; a feed's file keeps the suffix of its address.
        limits: of size and time.
    Raises:
        FetchRefused, FetchFailed: a file of an earlier time stays as it is.
        ImportFailed: the folder cannot be written to.
    """
    name = sha256(url.encode()).hexdigest()[:16]
    suffix = PurePosixPath(split(url).path).suffix.lower()
    path = folder / f"{name}{suffix if 1 < len(suffix) <= _SUFFIX and suffix[1:].isalnum() else ''}"
    state = folder / f"{name}.state"
    known = _read_state(state) if path.is_file() else {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, prefix=".fetching-", delete=False) as file:
            try:
                came = fetcher.download(url, file, known.get("etag"), known.get("last_modified"), limits)
                if came.changed:
                    file.flush()
                    os.fsync(file.fileno())
                    state.unlink(missing_ok=True)  # never the old file's validators beside the new file
                    Path(file.name).replace(path)
                    flush_folder(folder)  # nor the new file's beside the old, or half of the new
                    said = {"url": url, "etag": came.etag, "last_modified": came.last_modified}
                    state.write_text(json.dumps(said), encoding="utf-8")
            finally:
                Path(file.name).unlink(missing_ok=True)
    except OSError as error:
        raise ImportFailed(f"{folder} cannot be written to ({error.strerror}): free it or choose another.") from error
    return path


def _read_state(path: Path) -> dict[str, str]:
    try:
        return {key: value for key, value in json.loads(path.read_text(encoding="utf-8")).items() if value}
    except (OSError, ValueError, AttributeError):
        return {}
