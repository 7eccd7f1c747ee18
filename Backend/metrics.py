"""What Prometheus may know: requests, the queue, the stages of a photo's way.

With several workers each writes its counters to files of `PROMETHEUS_MULTIPROC_DIR`, and whichever worker is asked adds
them up. prometheus-client decides about files when it is imported, so the variable is set by whoever starts the workers
(Backend/serving.py), and this module is imported after that.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.values import ValueClass

from Backend.metric_files import counters, drop_dead
from Backend.settings import shared_metrics_dir

LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8)


class Metrics:
    """The service's instruments, in a registry of their own so that several services fit in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "similook_requests",
            "Answered requests.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self.latency = Histogram(
            "similook_request_seconds",
            "Time from a request's headers to its last byte.",
            ("route",),
            buckets=LATENCY_S,
            registry=self._registry,
        )
        self.stages = Histogram(
            "similook_stage_seconds",
            "Time of one stage of a photo's way.",
            ("stage",),
            buckets=LATENCY_S,
            registry=self._registry,
        )
        self.refused = Counter(
            "similook_photos_refused", "Photos turned away for want of room.", registry=self._registry
        )
        self.waiting = Gauge(
            "similook_photos_waiting",
            "Photos waiting for their turn.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        self.vectors = Gauge(
            "similook_index_vectors",
            "Vectors that are searched.",
            multiprocess_mode="livemax",
            registry=self._registry,
        )

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside as a stage of a photo's way."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stages.labels(name).observe(time.perf_counter() - started)

    def render(self) -> bytes:
        """Return the exposition text, of all workers together when there are several."""
        folder = shared_metrics_dir()
        if folder is None or not multiprocess():
            return generate_latest(self._registry)
        drop_dead(folder)
        together = CollectorRegistry()
        together.register(_Together(folder))
        return generate_latest(together)


class _Together(Collector):
    """What all workers counted. (prometheus-client's own collector takes every `*.db` in the folder for counters.)

    Args:
        folder: through which they share it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Return the sums."""
        return MultiProcessCollector.merge([str(path) for path in counters(self._folder)])


def multiprocess() -> bool:
    """Return whether this process shares its counters through files."""
    return ValueClass.__name__ == "MmapedValue"
