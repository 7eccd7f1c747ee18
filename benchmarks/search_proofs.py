"""The proofs of the index, run and written down: SIGKILL at any instant, and readers beside a writer.

python -m benchmarks.search_proofs [--out FOLDER]

The proofs are tests (tests/data/index/test_kill.py and test_soak.py, marked proof); this runs them and puts the figures
that they print on a page. About ten minutes on two cores.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.provenance import REPOSITORY, RESULTS, header, table

Figures = dict[str, Any]
FILES = ("tests/data/index/test_kill.py", "tests/data/index/test_soak.py")
MARK = "PROOF "


def main() -> int:
    """Run the proofs and write search-proofs.md; return 0 if all held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the page")
    arguments = parser.parse_args()
    before, lines, failed = os.getloadavg()[0], list[list[object]](), False
    for file in FILES:
        command = ["-m", "pytest", file, "-m", "proof", "-s", "-q", "--timeout", "3600"]
        begun = time.monotonic()
        done = subprocess.run([sys.executable, *command], cwd=REPOSITORY, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - begun
        sys.stdout.write(done.stdout + done.stderr)
        failed = failed or done.returncode != 0
        result = "held" if done.returncode == 0 else "**did not hold**"
        found = [json.loads(line.removeprefix(MARK)) for line in done.stdout.splitlines() if line.startswith(MARK)]
        figures = "; ".join(in_words(figure) for figure in found) or "none"
        lines.append([f"`python {' '.join(command)}`", result, figures, f"{seconds:.0f} s"])
    data = f"vectors drawn at random; the load average was {before:.1f} before and {os.getloadavg()[0]:.1f} after."
    page = header("Proofs of the index", data) + "\n" + table(["proof", "result", "figures", "took"], lines) + "\n"
    page += (
        "After each kill every generation opens, every checksum holds, and what is found equals what the tables hold: "
        "nothing lost, nothing come back. What was noticed on the way: [search-notes.md](search-notes.md).\n"
    )
    (arguments.out / "search-proofs.md").write_text(page, encoding="utf-8")
    return int(failed)


def in_words(figures: Figures) -> str:
    """Return what a proof printed, in a sentence."""
    if "instants" in figures:
        return (
            f"{figures['proof']} ({figures['products']} products, {figures['kind']}): {figures['instants']} instants "
            f"spread over {figures['over_s']} s, {figures['killed at work']} of them before the work was done"
        )
    readers = figures["readers"]
    searches = sum(reader["seen"]["searches"] for reader in readers)
    behind = {what: max(reader["staleness"][what] for reader in readers) for what in readers[0]["staleness"]}
    faults = sum(len(reader["faults"]) for reader in readers) + len(figures["problems"])
    generations = max(len(reader["generations"]) for reader in readers)
    return (
        f"{figures['seconds']:.0f} s, 4 readers in {len(readers)} processes, 1 writer: {searches} searches while "
        f"{figures['written']} products were written and {generations} generations served, {faults} faults; the oldest "
        f"read was {behind['saved']:.2f} s behind a new product, {behind['dear']:.2f} s behind a price, "
        f"{behind['gone']:.2f} s behind a deletion"
    )


if __name__ == "__main__":
    sys.exit(main())
