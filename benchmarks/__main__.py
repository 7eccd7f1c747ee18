"""`make bench`: every benchmark, one after the other, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HELPERS = {"__init__", "__main__", "provenance"}


def main() -> int:
    """Run the benchmarks that have a `main`; return the number that failed."""
    folder = Path(__file__).parent
    names = sorted(
        path.stem for path in folder.glob("*.py") if path.stem not in HELPERS and "def main(" in path.read_text("utf-8")
    )
    failed = 0
    for name in names:
        print(f"== benchmarks.{name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
