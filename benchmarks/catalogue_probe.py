"""What the catalogue benchmark measures in processes of their own, as a command is one.

python -m benchmarks.catalogue_probe import|sync LAYOUT FEED DATABASE PICTURES

Prints JSON: rows, seconds from opening the feed to the last commit, cpu_s, the most memory resident since the process
began (peak_mb) and what the program itself takes before it reads anything (start_mb), and what became of the products.
"""

import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from Data.catalogue import Catalogue
from Data.images import ImageStore
from Data.importers import open_source, run_import
from Data.sync import Sync

SOURCE = "benchmark"


def measure(what: str, layout: str, feed: Path, database: str, pictures: Path) -> dict[str, Any]:
    """Import or sync a feed as the command does, without fetching or looking at pictures."""
    images = ImageStore(pictures)
    with Catalogue.open(database) as catalogue:
        catalogue.migrate()
        start_mb = psutil.Process().memory_info().rss / 2**20
        gc.freeze()  # as the commands do
        cpu, begun = time.process_time(), time.perf_counter()
        importer = open_source(layout, feed)
        if what == "import":
            report = run_import(importer, catalogue, images, SOURCE)
            unchanged = report.upserts.unchanged
        else:
            with Sync(importer, catalogue, images, SOURCE) as work:
                unchanged = work.plan().unchanged
                report = work.apply().done
        seconds, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    done = report.upserts
    return {
        "rows": report.rows,
        "seconds": seconds,
        "cpu_s": cpu_s,
        "start_mb": start_mb,
        "peak_mb": peak_mb(),
        "created": done.created,
        "changed": done.changed + done.picture_changed,
        "unchanged": unchanged,
        "problems": report.problem_count,
    }


def peak_mb() -> float:
    """Return the most that this process has had resident (getrusage would count the parent's, from before exec)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    verb, kind, place, url, folder = sys.argv[1:]
    print(json.dumps(measure(verb, kind, Path(place), url, Path(folder))))
