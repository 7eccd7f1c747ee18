"""Getting what a shop's addresses point to, without being led astray."""

from Data.crawler.fetcher import Fetched, Fetcher, FetchLimits

__all__ = ["FetchLimits", "Fetched", "Fetcher"]
