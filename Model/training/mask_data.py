"""Pictures with garment masks, read once from the published archives and kept as uint8 arrays.

Three sources, each with the mask it can honestly give:
- street photos (clothing-co-parsing): 59 tags per pixel; garment is every tag but null, hair and skin;
- shop pictures (fashion-product-images-small): what differs from their white border, for types shown without a person;
- phone photos (clothing-dataset) and the other street photos: no mask; a teacher gives them soft ones
  (mask_teacher.py), and the corners of phone photos are floors, beds and doors to lay cut-outs on;
- drawings (Data/sample/cut_outs.py), whose masks are exact.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

Pixels = npt.NDArray[np.uint8]

NOT_GARMENT = (0, 19, 41)  # null, hair, skin
HAIR_AND_SKIN = (19, 41)
STREET_SIDE, PHOTO_SIDE, SHOP_SIDE, DRAWING_SIDE = 384, 320, 96, 256
SHOP_TYPES = frozenset(
    ("Casual Shoes", "Sports Shoes", "Formal Shoes", "Heels", "Flats", "Sandals", "Handbags", "Backpacks", "Wallets",
     "Clutches", "Caps", "Belts", "Ties", "Duffel Bag", "Jeans", "Trousers", "Track Pants", "Shorts", "Scarves",
     "Sweaters", "Jackets")
)  # fmt: skip


@dataclass
class MaskSets:
    """Every picture the training draws on, squashed to squares as the served network sees them.

    Args:
        street: (n, 384, 384, 3) photos; ``street_tags`` (n, 384, 384) their tags; ``street_stems`` their names;
            ``street_is_val`` (n,) True where a photo is kept for validation.
        shop: (m, 96, 96, 4) cut-outs of shop pictures, alpha last.
        photos: (p, 320, 320, 3) photos without masks: the street photos nobody masked, then the phone photos;
            ``photo_names`` their names; ``first_phone`` the place of the first phone photo.
        photo_is_val: (p,) True where such a photo is left out of training.
        drawings: (d, 256, 256, 4) drawn products, alpha last; every tenth is kept for validation.
        pseudo: (p, 160, 160) soft masks of these photos by a teacher, or None; ``pseudo_weight`` (p,) how sure, 0 .. 1.
    """

    street: Pixels
    street_tags: Pixels
    street_stems: list[str]
    street_is_val: npt.NDArray[np.bool_]
    shop: Pixels
    photos: Pixels
    photo_names: list[str]
    photo_is_val: npt.NDArray[np.bool_]
    first_phone: int = 0
    drawings: Pixels = field(default_factory=lambda: np.zeros((0, DRAWING_SIDE, DRAWING_SIDE, 4), np.uint8))
    pseudo: Pixels | None = None
    pseudo_weight: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    def load_soft_masks(self, file: Path) -> None:
        """Read the teacher's masks of ``photos`` that a run kept.

        Raises: ValueError: they are of other photos.
        """
        with np.load(file) as kept:
            if len(kept["masks"]) != len(self.photos):
                raise ValueError(f"{file} holds masks of {len(kept['masks'])} photos, not of these {len(self.photos)}")
            self.pseudo, self.pseudo_weight = kept["masks"], kept["weight"]


def foreground(tags: Pixels) -> Pixels:
    """Return 255 where a tag map shows something worn or carried, else 0; same shape."""
    values = np.full(256, 255, np.uint8)
    values[list(NOT_GARMENT)] = 0
    return values[tags]


def read_split(name: str) -> frozenset[str]:
    """Return the stems of the validation photos of ``splits/<name>_val.csv``, the encoder's own split."""
    with (Path(__file__).parent / "splits" / f"{name}_val.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["image"] for row in csv.DictReader(file))


def members(archive: Path, suffix: str, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of the archive's files in ``prefix`` that end on ``suffix``, in the archive's order."""
    with tarfile.open(archive) as tar:
        for info in tar:
            if info.isfile() and info.name.startswith(prefix) and info.name.endswith(suffix):
                stream = tar.extractfile(info)
                if stream is not None:
                    yield Path(info.name).stem, stream.read()


def squashed(data: bytes, side: int, mode: str = "RGB") -> Pixels:
    """Decode a picture and squash it to a square; tag maps (mode L) keep their values."""
    how = Image.Resampling.NEAREST if mode == "L" else Image.Resampling.BICUBIC
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert(mode).resize((side, side), how), dtype=np.uint8)


def white_cut_out(picture: Pixels, threshold: int = 20) -> Pixels | None:
    """Cut a product off its white background.

    Args:
        picture: (h, w, 3), 0 .. 255.
        threshold: how far below white a pixel of the product is, at least.
    Returns: (h, w, 4) with the mask as alpha; None where the border is not white or the cut is implausible.
    """
    off_white = (255 - picture.astype(np.int16)).max(axis=2)
    border = np.concatenate([off_white[0], off_white[-1], off_white[:, 0], off_white[:, -1]])
    if (border > threshold).mean() > 0.05:
        return None
    mask = ndimage.binary_fill_holes(ndimage.binary_opening(off_white > threshold))
    if not 0.06 < mask.mean() < 0.85:
        return None
    mask = ndimage.binary_erosion(mask)  # the outermost pixel is half white
    alpha = ndimage.gaussian_filter(mask.astype(np.float32) * 255, 0.6).clip(0, 255).astype(np.uint8)
    return np.dstack([picture, alpha])


def letterboxed(picture: Image.Image, side: int) -> Pixels:
    """Return an RGBA picture enlarged to fit (side, side, 4) and centred, transparent around."""
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    canvas = Image.new("RGBA", (side, side))
    canvas.paste(picture.resize(size, Image.Resampling.BICUBIC), ((side - size[0]) // 2, (side - size[1]) // 2))
    return np.asarray(canvas, dtype=np.uint8)


def read_shop(archive: Path, limit: int) -> Pixels:
    """Return up to ``limit`` cut-outs (m, 96, 96, 4), cropped to the product with a small margin."""
    with tarfile.open(archive) as tar:
        stream = tar.extractfile("styles.csv")
        rows = list(csv.reader(io.TextIOWrapper(stream, encoding="utf-8"))) if stream is not None else []
    wanted = {row[0] for row in rows[1:] if len(row) > 4 and row[4] in SHOP_TYPES}
    found: list[Pixels] = []
    for name, data in members(archive, ".jpg", "images/"):
        if name not in wanted or int(hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest(), 16) % 3:
            continue
        with Image.open(io.BytesIO(data)) as picture:
            cut = white_cut_out(np.asarray(picture.convert("RGB"), dtype=np.uint8))
        if cut is not None:
            down, across = (np.flatnonzero((cut[..., 3] > 20).any(axis=axis)) for axis in (1, 0))
            cropped = Image.fromarray(cut[down[0] : down[-1] + 1, across[0] : across[-1] + 1])
            found.append(letterboxed(cropped, SHOP_SIDE))
        if len(found) == limit:
            break
    return np.stack(found) if found else np.zeros((0, SHOP_SIDE, SHOP_SIDE, 4), np.uint8)


def read_drawings(directory: Path, limit: int | None = None) -> Pixels:
    """Return the cut-outs of a folder of RGBA pictures, in the order of their names. Shape: (d, 256, 256, 4).

    Raises:
        FileNotFoundError: there is no such folder, or no PNG in it.
    """
    files = sorted(directory.glob("*.png"))[:limit]
    if not files:
        raise FileNotFoundError(f"{directory} holds no PNG: write them with python -m Data.sample.cut_outs")
    found = []
    for file in files:
        with Image.open(file) as picture:
            cut = picture.convert("RGBA")
        found.append(letterboxed(cut.crop(cut.getchannel("A").getbbox()), DRAWING_SIDE))
    return np.stack(found)


def read_sets(data_dir: Path, *, drawings: Path | None = None, limit: int | None = None) -> MaskSets:
    """Read the archives of ``data_dir`` into memory (about 2 GB whole).

    Args:
        data_dir: the folder with the three .tar files.
        drawings: a folder of drawn cut-outs; see Data/sample/cut_outs.py.
        limit: read at most so many pictures of each kind, at least 2 (for a smoke run).
    Raises: FileNotFoundError: an archive is missing.
    """
    street_tar = data_dir / "clothing-co-parsing.tar"
    tags = {}
    for stem, data in members(street_tar, ".png", "masks/"):
        tags[stem] = squashed(data, STREET_SIDE, "L")
        if limit is not None and len(tags) == limit:
            break
    photos_by_stem: dict[str, Pixels] = {}
    names: list[str] = []
    photos: list[Pixels] = []
    for stem, data in members(street_tar, ".jpg", "photos/"):
        if stem in tags:
            photos_by_stem[stem] = squashed(data, STREET_SIDE)
        elif limit is None or len(names) < limit:
            names.append(stem)
            photos.append(squashed(data, PHOTO_SIDE))
    # A few tag maps are empty although the photo shows a person: not annotated, so not used.
    stems = sorted(s for s in photos_by_stem if (foreground(tags[s]) > 0).mean() > 0.02)
    street_val, photo_val = read_split("clothing_co_parsing"), read_split("clothing_dataset")
    unmasked_street = len(names)
    for stem, data in members(data_dir / "clothing-dataset.tar", ".jpg", "images/"):
        names.append(stem)
        photos.append(squashed(data, PHOTO_SIDE))
        if limit is not None and len(names) == unmasked_street + limit:
            break
    street_is_val = np.array([s in street_val for s in stems])
    photo_is_val = np.array([s in photo_val or s in street_val for s in names])
    if limit is not None:  # so few photos may miss one side of the split altogether
        street_is_val[[0, -1]] = photo_is_val[[unmasked_street, -1]] = (False, True)
    sets = MaskSets(
        street=np.stack([photos_by_stem[s] for s in stems]),
        street_tags=np.stack([tags[s] for s in stems]),
        street_stems=stems,
        street_is_val=street_is_val,
        shop=read_shop(data_dir / "fashion-product-images-small.tar", limit or 3000),
        photos=np.stack(photos),
        photo_names=names,
        photo_is_val=photo_is_val,
        first_phone=unmasked_street,
    )
    if drawings is not None:
        sets.drawings = read_drawings(drawings, limit)
    return sets
