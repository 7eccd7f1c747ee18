"""Drawn products written as cut-outs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from Data.sample.cut_outs import main, write_cut_outs
from Data.sample.drawing import draw_product
from Data.sample.garments import BUILDERS


def test_the_alpha_is_the_drawings_mask(tmp_path: Path) -> None:
    files = write_cut_outs(tmp_path, per_class=1, seed=3)
    assert [file.stem for file in files] == sorted(f"{category}-000" for category in BUILDERS)
    drawing = draw_product("shirt", 0, seed=3)
    with Image.open(tmp_path / "shirt-000.png") as picture:
        assert (picture.mode, max(picture.size)) == ("RGBA", 320)
        found = np.asarray(picture.getchannel("A")) > 127
    truth = np.asarray(Image.fromarray(drawing.mask).resize((found.shape[1], found.shape[0]))) > 127
    assert (found != truth).mean() < 0.005


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    (kept := tmp_path / "shirt-000.png").write_bytes(b"mine")
    main([str(tmp_path), "--per-class", "1"])
    assert kept.read_bytes() == b"mine"
    assert len(list(tmp_path.iterdir())) == len(BUILDERS)  # and nothing half written


def test_none_of_each_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="per_class is 0; it must be 1 or more"):
        write_cut_outs(tmp_path / "none", per_class=0)
    assert not (tmp_path / "none").exists()
