"""The shipped garment mask, loaded the way rembg itself loads it, on street photos that no training step saw."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from Model.card import Card

COUNT = 12


def test_rembg_loads_the_shipped_mask_and_it_finds_garments(
    shared_dir: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="the validation pictures are read by the training package")
    from Model.training.mask_data import foreground, members, read_split, squashed

    monkeypatch.setitem(os.environ, "NUMBA_DISABLE_JIT", "1")
    from rembg import new_session, remove

    folder = repository / "Model" / "weights" / "garment-mask"
    card = Card.load(folder)
    card.read_model(folder)
    monkeypatch.setenv("REMBG_HOME", str(folder))
    monkeypatch.delenv("U2NET_HOME", raising=False)
    session = new_session("u2net_custom", model_path=str(card.model_path(folder)))

    archive = shared_dir / "data" / "clothing-co-parsing.tar"
    held_back = read_split("clothing_co_parsing")
    masks = {stem: squashed(data, 320, "L") for stem, data in members(archive, ".png", "masks/") if stem in held_back}
    chosen = sorted(masks)[:COUNT]
    photos = {stem: squashed(data, 320) for stem, data in members(archive, ".jpg", "photos/") if stem in chosen}
    scores = []
    for stem in chosen:
        found = np.asarray(remove(Image.fromarray(photos[stem]), session=session, only_mask=True)) > 127
        truth = foreground(masks[stem]) > 127
        scores.append((found & truth).sum() / (found | truth).sum())
    assert float(np.mean(scores)) > 0.6
