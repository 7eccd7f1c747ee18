"""What the search benchmark measures in processes of their own: memory, the time to open, a build's peak.

python -m benchmarks.search_probe build FOLDER KIND           prints JSON: seconds, of each stage too, peak_mb, recall
python -m benchmarks.search_probe memory FOLDER KIND QUERIES prints JSON: open_s, ready_s (changes followed, too),
                                                              resident_mb, and apart from it the rows' page_cache_mb
"""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.search_catalogue import EMBEDDER
from Data.catalogue import Catalogue
from Data.features import Features
from Data.index.builder import build_generation
from Data.index.compact import LISTS, SEARCH
from Data.index.generations import COLUMNS, ROWS, current_name, open_generation
from Data.index.live import LiveIndex


def build(root: Path, kind: str) -> dict[str, Any]:
    """Build a generation of the catalogue in the folder."""
    with Catalogue.open(f"sqlite:///{root / 'catalogue.sqlite'}") as catalogue:
        begun = time.perf_counter()
        first_seen: dict[str, float] = {}

        def show(stage: str, done: int, total: int) -> None:
            first_seen.setdefault(stage, time.perf_counter() - begun)
            if stage not in ("rows", "add") or done == total or done % 100_000 < 2000:
                print(f"  {time.perf_counter() - begun:.0f} s {stage} {done}/{total}", file=sys.stderr, flush=True)

        manifest = build_generation(
            root / kind,
            Features(catalogue.engine),
            EMBEDDER,
            kind=kind,  # type: ignore[arg-type]
            progress=show,
            lease_ttl_s=120.0,
        )
        seconds = time.perf_counter() - begun
    starts = {stage: 0.0 if stage == "rows" else start for stage, start in first_seen.items()}
    ends = [*list(starts.values())[1:], seconds]
    return {
        "seconds": seconds,
        "stages": {stage: end - start for (stage, start), end in zip(starts.items(), ends, strict=True)},
        "peak_mb": _peak_mb(),
        "recall": manifest.recall,
    }


def _peak_mb() -> float:
    """Return the most that this process has had resident (getrusage would count the parent's, from before exec)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def memory(root: Path, kind: str, queries: Path) -> dict[str, Any]:
    """Open the index and search, and look what stays in memory: apart the rows, whose pages the system may take."""
    vectors = np.load(queries)
    name = current_name(root / kind) or ""
    begun = time.perf_counter()
    generation = open_generation(root / kind, name, EMBEDDER)
    opened = time.perf_counter() - begun
    del generation
    with Catalogue.open(f"sqlite:///{root / 'catalogue.sqlite'}") as catalogue:
        before = _resident()
        begun = time.perf_counter()
        index = LiveIndex(root / kind, catalogue.engine, EMBEDDER)
        ready = time.perf_counter() - begun
        for vector in vectors:
            index.search(vector[None], 10)
        after = _resident()
    grown = {key: (after[key] - before.get(key, 0)) / 2**20 for key in after}
    return {
        "open_s": opened,
        "ready_s": ready,
        "resident_mb": sum(size for name, size in grown.items() if name != ROWS),
        "page_cache_mb": grown.get(ROWS, 0.0),
    }


def _resident() -> dict[str, int]:
    """Return this process's resident bytes: those of the index's files by name, and what belongs to no file."""
    sizes = {"anonymous": 0}
    name = "anonymous"
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        if re.match(r"^[0-9a-f]+-[0-9a-f]+ ", line):
            path = line.split(maxsplit=5)[5] if len(line.split(maxsplit=5)) > 5 else ""
            file = Path(path).name
            name = file if file in (ROWS, COLUMNS, SEARCH, LISTS) else "other"
            if not path or path.startswith("["):
                name = "anonymous"
        elif line.startswith("Rss:"):
            sizes[name] = sizes.get(name, 0) + int(line.split()[1]) * 1024
    sizes.pop("other", None)
    return sizes


if __name__ == "__main__":
    what, folder, *rest = sys.argv[1:]
    outcome = build(Path(folder), rest[0]) if what == "build" else memory(Path(folder), rest[0], Path(rest[1]))
    print(json.dumps(outcome))
