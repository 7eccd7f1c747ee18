"""What Data/README.md shows works as it stands."""

import re
from pathlib import Path
from typing import Any

import pytest

from Data.product import Product


def test_the_example_runs(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (repository / "Data" / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"jpeg": b"any bytes"}
    exec(example, names)
    found = names["catalogue"].get_many(["7", "8"])
    assert isinstance(found[0], Product)
    assert found[1] is None
    names["catalogue"].close()


def test_it_names_the_files_there_are(repository: Path) -> None:
    room = repository / "Data"
    readme = (room / "README.md").read_text()
    table = readme.split("## Where things stand")[1].split("## What holds")[0]
    for name in re.findall(r"`([a-z_*/]+(?:\.py|/))`", table):
        assert list(room.glob(name)), name
