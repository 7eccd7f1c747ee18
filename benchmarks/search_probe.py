"""What the search benchmark measures in processes of their own: memory, the time to open, a build's peak.

python -m benchmarks.search_probe build FOLDER KIND      prints JSON: seconds, peak_mb, manifest
python -m benchmarks.search_probe memory FOLDER QUERIES  prints JSON: open_s, and resident MB by what is mapped
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
from Data.index.generations import current_name, open_generation
from Data.index.live import LiveIndex


def build(root: Path, kind: str) -> dict[str, Any]:
    """Build a generation of the catalogue in the folder."""
    with Catalogue.open(f"sqlite:///{root / 'catalogue.sqlite'}") as catalogue:
        begun = time.perf_counter()

        def show(stage: str, done: int, total: int) -> None:
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
        return {"seconds": seconds, "peak_mb": _peak_mb(), "manifest": manifest.model_dump(mode="json")}


def _peak_mb() -> float:
    """Return the most that this process has had resident (getrusage would count the parent's, from before exec)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def memory(root: Path, kind: str, queries: Path) -> dict[str, Any]:
    """Open the index and search, and look what stays in memory."""
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
        after_open = _resident()
        for vector in vectors:
            index.search(vector[None], 10)
        after = _resident()
    grown = {key: round((after[key] - before.get(key, 0)) / 2**20, 1) for key in after}
    return {
        "open_s": opened,
        "ready_s": ready,
        "resident_mb": {key: value for key, value in grown.items() if value >= 0.1},
        "anonymous_at_open_mb": round((after_open["anonymous"] - before["anonymous"]) / 2**20, 1),
    }


def _resident() -> dict[str, int]:
    """Return this process's resident bytes: those of the index's files by name, and what belongs to no file."""
    sizes = {"anonymous": 0}
    name = "anonymous"
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        if re.match(r"^[0-9a-f]+-[0-9a-f]+ ", line):
            path = line.split(maxsplit=5)[5] if len(line.split(maxsplit=5)) > 5 else ""
            file = Path(path).name
            name = file if file in ("rows.faiss", "columns.pack", "search.faiss", "lists.npy") else "other"
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
