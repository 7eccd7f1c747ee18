"""Tiny tars in the layout of the published sets, drawn here: a dozen pictures each."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw

from Model.training.manifest import read_split

if TYPE_CHECKING:
    from Model.training.resnet import Encoder

LABELS = ("T-Shirt", "Pants", "Shoes", "Not sure")
TYPES = (("Tshirts", "Blue"), ("Handbags", "Red"), ("Jeans", "Blue"))
COLOURS = {"Blue": (40, 60, 200), "Red": (200, 40, 40)}


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _garment(seed: int, size: tuple[int, int], colour: tuple[int, int, int], background: bool) -> Image.Image:
    random = np.random.default_rng(seed)
    pixels = random.integers(90, 160, (size[1], size[0], 3)) if background else np.full((size[1], size[0], 3), 255)
    image = Image.fromarray(pixels.astype(np.uint8))
    box = (size[0] // 4, size[1] // 4, size[0] * 3 // 4, size[1] * 3 // 4)
    draw = ImageDraw.Draw(image)
    draw.rectangle(box, fill=colour) if seed % 2 else draw.ellipse(box, fill=colour)
    return image


def draw_sets(folder: Path) -> Path:
    """Write the three tars into `folder`, with pictures on both sides of the committed splits, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    held = sorted(read_split("clothing_dataset_val"))[:8]
    with tarfile.open(folder / "clothing-dataset.tar", "w") as tar:
        lines = ["image,sender_id,label,kids"]
        for at, name in enumerate([*(f"drawn-{n}" for n in range(24)), *held]):
            lines.append(f"{name},{at // 2},{LABELS[at % 4]},False")
            colour = (60 + 45 * (at % 4), 80, 200 - 40 * (at % 4))
            _add(tar, f"images/{name}.jpg", _jpeg(_garment(at, (60, 80), colour, background=True)))
        _add(tar, "images.csv", "\n".join(lines).encode())
    street_held = sorted(read_split("clothing_co_parsing_val"))[:2]
    with tarfile.open(folder / "clothing-co-parsing.tar", "w") as tar:
        _add(tar, "labels.txt", b"0 null\n1 dress\n2 shoes\n3 skin\n")
        for at, name in enumerate(["9001", "9002", "9003", "9004", *street_held]):
            _add(tar, f"photos/{name}.jpg", _jpeg(_garment(at, (70, 100), (150, 40, 90), background=True)))
            parts = np.zeros((100, 70), np.uint8)
            parts[25:60, 17:52], parts[80:95, 20:50] = 1, 2
            buffer = io.BytesIO()
            Image.fromarray(parts).save(buffer, "PNG")
            _add(tar, f"masks/{name}.png", buffer.getvalue())
    with tarfile.open(folder / "fashion-product-images-small.tar", "w") as tar:
        header = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName"
        lines = [header]
        for at in range(120):
            kind, colour = TYPES[at % 3]
            lines.append(f"{at},Men,Apparel,X,{kind},{colour},Summer,2012,Casual,Plain {kind}, with a comma")
            _add(tar, f"images/{at}.jpg", _jpeg(_garment(at, (60, 80), COLOURS[colour], background=False)))
        _add(tar, "styles.csv", "\n".join(lines).encode())
    return folder


@pytest.fixture(scope="session")
def drawn_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the three tiny tars."""
    return draw_sets(tmp_path_factory.mktemp("drawn") / "data")


@pytest.fixture
def network() -> Encoder:
    """Return a random ResNet18 whose residual branches and statistics are not those of a fresh one."""
    import torch

    from Model.training.resnet import Encoder, resnet_trunk

    torch.manual_seed(3)
    made = Encoder(resnet_trunk("resnet18")).eval()
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.3, 0.3)
    return made
