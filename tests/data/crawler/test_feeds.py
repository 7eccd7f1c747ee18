"""Feeds kept as files: what is there after a crash is whole, and its validators are its own."""

import json
import os
from pathlib import Path

import pytest

from Data.crawler import Fetcher, FetchLimits
from Data.crawler.feeds import download_feed
from tests.data.webshop import web_shop

LIMITS = FetchLimits(timeout_s=5.0, attempts=1)


def test_a_feed_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = b"id,name\n1,Shirt\n"  # smaller than a buffer
    folder = tmp_path / "feeds"
    flushed: list[tuple[str, bytes | list[str]]] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        names = sorted(entry.suffix for entry in path.iterdir()) if path.is_dir() else path.read_bytes()
        flushed.append((path.name.partition("-")[0], names))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    with web_shop() as shop:
        fetcher = Fetcher(LIMITS, allow_private=True)
        path = download_feed(shop.show("/feed.csv", feed, "text/csv"), folder, fetcher, LIMITS)
    # The bytes, then the name, and only then its validators.
    assert flushed == [(".fetching", feed), ("feeds", [".csv"])]
    assert path.read_bytes() == feed
    assert json.loads(path.with_suffix(".state").read_text(encoding="utf-8"))["etag"]
