"""The files through which worker processes share their counters: one of each kind and process, in one folder.

prometheus-client names them, `counter_<pid>.db` and `gauge_<mode>_<pid>.db`. Nothing else in the folder is touched:
whoever chose it may keep other things there.
"""

import os
import re
from pathlib import Path

_FILE = re.compile(r"(?:counter|histogram|summary|gauge_(?P<mode>[a-z]+))_(?P<pid>\d+)\.db")


def clear(folder: Path) -> None:
    """Remove the counters that an earlier start left in a folder."""
    for path in counters(folder):
        path.unlink(missing_ok=True)


def counters(folder: Path) -> list[Path]:
    """Return the files of counters in a folder."""
    return [path for path in folder.iterdir() if _FILE.fullmatch(path.name) and path.is_file()]


def drop_dead(folder: Path) -> None:
    """Remove what processes that are gone said of themselves while they lived; what they counted stays in the sums.

    A worker that is killed cannot take its gauges back, and without this they would be added up for ever.
    """
    for path in counters(folder):
        found = _FILE.fullmatch(path.name)
        if found and (found["mode"] or "").startswith("live") and not _runs(int(found["pid"])):
            path.unlink(missing_ok=True)  # another worker may have been asked at the same time


def _runs(pid: int) -> bool:
    """Return whether a process is there."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
