"""Where a figure comes from: the command, the commit and the machine, in words."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "docs" / "results"


def command() -> str:
    """Return the command of this run, as somebody would type it in the repository's root."""
    main = getattr(sys.modules["__main__"], "__spec__", None)
    module = main.name.removesuffix(".__main__") if main is not None else Path(sys.argv[0]).name
    return shlex.join(["python", "-m", module, *sys.argv[1:]])


def commit() -> str:
    """Return the short commit, with a plus where the working tree differs from it; "unknown" outside of git."""
    try:
        revision = _git("rev-parse", "--short", "HEAD")
        return revision + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine() -> str:
    """Return the machine in words: cores, what they can do that matters here, memory, Python."""
    flags = _cpu_flags()
    known = [name for name in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8") if name in flags]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} shared {platform.machine()} cores ({', '.join(known) or 'no vector extensions known'}), "
        f"{memory:.0f} GiB, Python {platform.python_version()}; no GPU"
    )


def header(title: str, data: str) -> str:
    """Return the opening of a result page in Markdown.

    Args:
        title: of the page.
        data: what was measured on, in a sentence.
    """
    return (
        f"# {title}\n\n"
        f"- Command: `{command()}`\n"
        f"- Commit: {commit()}, {datetime.now(UTC):%Y-%m-%d}\n"
        f"- Machine: {machine()}. Shared and noisy: read the ratios, not the milliseconds.\n"
        f"- Data: {data}\n"
    )


def table(columns: list[str], rows: list[list[object]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=REPOSITORY, check=True, capture_output=True, text=True
    ).stdout.strip()


def _cpu_flags() -> set[str]:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("flags"):
                return set(line.split(":", 1)[1].split())
    except OSError:
        pass
    return set()
