"""Draws training pictures for the garment mask: crops of real photos, and cut-outs laid on real backgrounds.

Every draw is a (side, side, 3) picture and a (side, side) soft mask. Users crop before the mask runs, so about half of
the draws are crops around one garment that fill the picture and are cut off at its borders.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageFilter
from scipy import ndimage
from torch import Tensor

from Model.training.mask_data import HAIR_AND_SKIN, MaskSets, Pixels, foreground

Chosen = npt.NDArray[np.bool_]
Box = tuple[float, float, float, float]
BILINEAR = Image.Resampling.BILINEAR

BARE = 0.1
"""The share of draws that show no garment; without these the network finds one in every carpet."""
SOFT_LABELS = 0.3
"""Of the others, the share of photos that a teacher labelled, once there are any."""
STREET, CROPS = 0.2, 0.45
"""Of what is left, the shares of street photos and of crops around one garment; the rest are composites."""
CLOTH = 0.25
"""The share of composites that lie on cloth, as on a patterned bedspread. Bare backgrounds are never cloth: a picture
that shows cloth alone is a garment cropped close."""
SURE = 200
"""From this value of a soft mask on, a pixel is taken for the inside of a garment."""
SMALLEST_CLOTH = 24
"""Pixels on a side below which the inside of a garment shows no pattern."""


class MaskSampler:
    """Draws pictures and masks from the training part of ``sets``.

    Args:
        sets: the pictures; pseudo-masks are used where ``sets.pseudo`` is there.
        seed: of every random choice.
        validation: draw from the held-back pictures instead (for the composites' figure).
        drawn: the share of cut-outs that are drawings, where there are any.
    """

    def __init__(self, sets: MaskSets, seed: int, *, validation: bool = False, drawn: float = 0.2) -> None:
        self.sets = sets
        self.validation = validation
        self.rng = np.random.default_rng(seed)
        self.street = np.flatnonzero(sets.street_is_val == validation)
        self.photos = np.flatnonzero(sets.photo_is_val == validation)
        self.phones = self.photos[self.photos >= sets.first_phone]
        cut = int(len(sets.shop) * 0.9)
        self.shop = np.arange(cut, len(sets.shop)) if validation else np.arange(cut)
        held_back = np.arange(len(sets.drawings)) % 10 == 9
        self.drawings = np.flatnonzero(held_back == validation)
        self.drawn = drawn if len(self.drawings) else 0.0

    def batch(self, size: int, side: int) -> tuple[Tensor, Tensor]:
        """Return pictures (size, 3, side, side) float 0 .. 1 and masks (size, 1, side, side) float 0 .. 1."""
        drawn = [self.draw(side) for _ in range(size)]
        pictures = torch.from_numpy(np.stack([p for p, _ in drawn])).permute(0, 3, 1, 2).float() / 255
        masks = torch.from_numpy(np.stack([m for _, m in drawn])).unsqueeze(1).float() / 255
        return pictures, masks

    def draw(self, side: int) -> tuple[Pixels, Pixels]:
        """Return one picture (side, side, 3) and its mask (side, side), uint8."""
        if self.rng.random() < BARE:
            return self.background(side), np.zeros((side, side), np.uint8)
        roll = self.rng.random()
        if self.sets.pseudo is not None:
            if roll < SOFT_LABELS:
                return self.pseudo_photo(side)
            roll = (roll - SOFT_LABELS) / (1 - SOFT_LABELS)
        if roll < STREET:
            return self.street_crop(side)
        if roll < STREET + CROPS:
            return self.garment_crop(side)
        return self.composite(side)

    def street_crop(self, side: int) -> tuple[Pixels, Pixels]:
        """Return a street photo, whole or a large part of it."""
        index = int(self.rng.choice(self.street))
        return self.cut(self.sets.street[index], foreground(self.sets.street_tags[index]), self.random_box(0.45), side)

    def garment_crop(self, side: int) -> tuple[Pixels, Pixels]:
        """Return a crop around one garment of a street photo, from tight (cut off) to loose."""
        index = int(self.rng.choice(self.street))
        box = self.box_around(self.garment_of(index))
        return self.cut(self.sets.street[index], foreground(self.sets.street_tags[index]), box, side)

    def garment_of(self, index: int) -> Chosen:
        """Return the pixels of one garment of a street photo, larger ones more often; all False without any."""
        tags = self.sets.street_tags[index]
        counts = np.bincount(tags.ravel(), minlength=59).astype(float)
        counts[[0, *HAIR_AND_SKIN]] = 0
        counts[counts < 0.004 * tags.size] = 0
        if counts.sum() == 0:
            return np.zeros(tags.shape, bool)
        return np.asarray(tags == int(self.rng.choice(59, p=np.sqrt(counts) / np.sqrt(counts).sum())))

    def pseudo_photo(self, side: int) -> tuple[Pixels, Pixels]:
        """Return a phone photo with its pseudo-mask, whole or cropped around the garment."""
        if self.sets.pseudo is None:
            raise RuntimeError("no pseudo-masks yet")
        weight = self.sets.pseudo_weight[self.photos]
        index = int(self.rng.choice(self.photos, p=weight / weight.sum()))
        mask = self.sets.pseudo[index]
        box = self.box_around(mask > 127) if self.rng.random() < 0.5 else self.random_box(0.55)
        return self.cut(self.sets.photos[index], mask, box, side)

    def composite(self, side: int) -> tuple[Pixels, Pixels]:
        """Return one to three cut-outs laid on a background; in training, `CLOTH` of them on the cloth of another."""
        ground = self.cloth(side) if not self.validation and self.rng.random() < CLOTH else None
        picture = Image.fromarray(self.background(side) if ground is None else ground)
        mask = Image.new("L", (side, side), 0)
        tight = self.rng.random() < 0.3
        for _ in range(1 if tight else int(self.rng.choice([1, 2, 3], p=[0.75, 0.18, 0.07]))):
            self.lay(picture, mask, self.cut_out(), tight)
        return np.asarray(picture), np.asarray(mask)

    def lay(
        self, picture: Image.Image, mask: Image.Image, cut: tuple[Image.Image, Image.Image, Image.Image], tight: bool
    ) -> None:
        """Paste a cut-out (colour, alpha, garment mask) into picture and mask, turned, scaled, with a soft shadow."""
        side = picture.width
        scale = self.rng.uniform(1.0, 1.7) if tight else self.rng.uniform(0.4, 1.0)
        stretch = float(np.exp(self.rng.normal(0, 0.12)))
        width, height = cut[0].size
        fit = scale * side / max(width, height)
        size = (max(8, int(width * fit * stretch)), max(8, int(height * fit / stretch)))
        angle = float(self.rng.choice([self.rng.normal(0, 10), self.rng.uniform(-180, 180)], p=[0.75, 0.25]))
        flip = self.rng.random() < 0.5
        parts = []
        for part in cut:
            small = part.resize(size, BILINEAR)
            small = small.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else small
            parts.append(small.rotate(angle, BILINEAR, expand=True))
        colour, alpha, garment = parts
        reach = 0.25 if tight else 0.15
        x = (
            int(self.rng.uniform(-reach * colour.width, side - (1 - reach) * colour.width))
            if colour.width < side
            else int(self.rng.uniform(side - colour.width, 0))
        )
        y = (
            int(self.rng.uniform(-reach * colour.height, side - (1 - reach) * colour.height))
            if colour.height < side
            else int(self.rng.uniform(side - colour.height, 0))
        )
        if self.rng.random() < 0.5:
            shift = int(side * self.rng.uniform(0.005, 0.03))
            strength = self.rng.uniform(0.2, 0.6)
            shadow = Image.new("L", (side, side), 0)
            shadow.paste(alpha.point(lambda v: int(v * strength)), (x + shift, y + shift))
            shadow = shadow.filter(ImageFilter.BoxBlur(max(1, shift)))
            picture.paste(Image.new("RGB", (side, side), (0, 0, 0)), (0, 0), shadow)
        picture.paste(colour, (x, y), alpha)
        mask.paste(garment, (x, y), alpha)

    def cut_out(self) -> tuple[Image.Image, Image.Image, Image.Image]:
        """Return colour, alpha and garment mask of a drawing, a shop product, a street garment, or a whole person."""
        if self.drawn and self.rng.random() < self.drawn:
            drawing = Image.fromarray(self.sets.drawings[int(self.rng.choice(self.drawings))])
            alpha = drawing.getchannel("A")
            return drawing.convert("RGB"), alpha, alpha
        roll = self.rng.random()
        if roll < 0.3 and len(self.shop):
            shop = Image.fromarray(self.sets.shop[int(self.rng.choice(self.shop))])
            alpha = shop.getchannel("A")
            return shop.convert("RGB"), alpha, alpha
        index = int(self.rng.choice(self.street))
        tags, photo = self.sets.street_tags[index], self.sets.street[index]
        if roll < 0.45:
            chosen = tags > 0  # the person, whose skin and hair are background in the mask
        else:
            counts = np.bincount(tags.ravel(), minlength=59)
            counts[[0, *HAIR_AND_SKIN]] = 0
            large = np.flatnonzero(counts > 0.01 * tags.size)
            if len(large) == 0:
                return self.cut_out()
            chosen = in_one_piece(np.asarray(tags == int(self.rng.choice(large))))
        if not chosen.any():
            return self.cut_out()
        rows, columns = np.flatnonzero(chosen.any(axis=1)), np.flatnonzero(chosen.any(axis=0))
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        # Masks are drawn a pixel wide: shrink the alpha a little so that no rim of the old background comes along.
        alpha = Image.fromarray(chosen[part].astype(np.uint8) * 255).filter(ImageFilter.MinFilter(3))
        garment = Image.fromarray(foreground(tags[part]))
        # Street arrays are squashed from 2:3, so the cut-out is stretched back.
        tall = (alpha.width, int(alpha.height * 1.5))
        colour = Image.fromarray(photo[part]).resize(tall, BILINEAR)
        return colour, alpha.filter(ImageFilter.BoxBlur(0.7)).resize(tall, BILINEAR), garment.resize(tall, BILINEAR)

    def background(self, side: int) -> Pixels:
        """Return a background without a garment: mirrored corner of a photo, sides of a street, or a plain tone."""
        roll = self.rng.random()
        if roll < 0.12:
            tone = self.rng.integers(0, 256, 3) if self.rng.random() < 0.5 else np.full(3, self.rng.integers(120, 256))
            slope = np.linspace(-1, 1, side)[:, None, None] * self.rng.uniform(-25, 25)
            noise = self.rng.normal(0, self.rng.uniform(0, 6), (side, side, 1))
            return np.broadcast_to(tone + slope + noise, (side, side, 3)).clip(0, 255).astype(np.uint8)
        if roll < 0.32:
            index = int(self.rng.choice(self.street))
            photo, tags = self.sets.street[index], self.sets.street_tags[index]
            columns = np.flatnonzero((tags > 0).any(axis=0))
            left, right = (columns[0], len(tags) - 1 - columns[-1]) if len(columns) else (len(tags), 0)
            if max(left, right) > 40:
                strip = photo[:, : left - 4] if left > right else photo[:, len(tags) - right + 4 :]
                return mirrored(strip, side, self.rng)
        patch = self.corner()
        for _ in range(8):  # a corner that the garment reaches into would be a garment called background
            if patch is not None:
                break
            patch = self.corner()
        return self.background(side) if patch is None else mirrored(patch, side, self.rng)

    def cloth(self, side: int) -> Pixels | None:
        """Return the inside of a garment, tiled with its mirror images in a tone of its own; None if it is too small.

        The garment is that of a drawing, a phone photo (by its soft mask) or a street photo, a third of each.
        """
        source = self.rng.integers(3)
        if source == 0 and len(self.drawings):
            drawing = self.sets.drawings[int(self.rng.choice(self.drawings))]
            picture, inside = drawing[..., :3], drawing[..., 3] > SURE
        elif source == 1 and self.sets.pseudo is not None:
            index = int(self.rng.choice(self.phones))
            picture, inside = self.sets.photos[index], self.sets.pseudo[index] > SURE
        else:
            index = int(self.rng.choice(self.street))
            picture, inside = self.sets.street[index], self.garment_of(index)
        left, top, right, bottom = inner_square(inside)
        height, width = picture.shape[:2]
        patch = picture[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
        if min(patch.shape[:2]) < SMALLEST_CLOTH:
            return None
        zoom = min(1.0, self.rng.uniform(0.8, 2.2) * max(patch.shape[:2]) / max(height, width))
        tone = self.rng.uniform(0.7, 1.25) * self.rng.normal(1, 0.12, 3)
        return (mirrored(patch, side, self.rng, zoom) * tone).clip(0, 255).astype(np.uint8)

    def corner(self) -> Pixels | None:
        """Return a corner of a phone photo, or None if a garment is thought to reach into it."""
        index = int(self.rng.choice(self.phones))
        photo = self.sets.photos[index]
        share = self.rng.uniform(0.14, 0.3)
        at_top, at_left = self.rng.random(2) < 0.5

        def part(side: int) -> tuple[slice, slice]:
            extent = int(share * side)
            return (slice(0, extent) if at_top else slice(-extent, None)), (
                slice(0, extent) if at_left else slice(-extent, None)
            )

        if self.sets.pseudo is not None and self.sets.pseudo[index][part(self.sets.pseudo.shape[1])].mean() > 12:
            return None
        return photo[part(len(photo))]

    def random_box(self, smallest: float) -> Box:
        """Return a box (left, top, right, bottom) in fractions, each side ``smallest`` .. 1, a third of them whole."""
        if self.rng.random() < 0.33:
            return 0.0, 0.0, 1.0, 1.0
        width, height = self.rng.uniform(smallest, 1.0, 2)
        left, top = self.rng.uniform(0, 1 - width), self.rng.uniform(0, 1 - height)
        return left, top, left + width, top + height

    def box_around(self, chosen: Chosen) -> Box:
        """Return the chosen pixels' box, each edge moved by -12 % .. +35 % of its extent, clipped to the picture."""
        rows, columns = np.flatnonzero(chosen.any(axis=1)), np.flatnonzero(chosen.any(axis=0))
        if len(rows) == 0:
            return self.random_box(0.5)
        height, width = chosen.shape
        left, right, top, bottom = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
        margins = self.rng.uniform(-0.12, 0.35) + self.rng.uniform(-0.08, 0.08, 4)
        box_width, box_height = max(right - left, 0.06 * width), max(bottom - top, 0.06 * height)
        return (
            max(0.0, (left - margins[0] * box_width) / width),
            max(0.0, (top - margins[1] * box_height) / height),
            min(1.0, (right + margins[2] * box_width) / width),
            min(1.0, (bottom + margins[3] * box_height) / height),
        )

    def cut(self, picture: Pixels, mask: Pixels, box: Box, side: int) -> tuple[Pixels, Pixels]:
        """Resize ``box`` of picture and mask to the side, mirrored at random and turned a little now and then."""
        picture, mask = self.resized(picture, mask, box, side)
        if self.rng.random() < 0.25:
            angle = self.rng.normal(0, 8)
            picture = np.asarray(Image.fromarray(picture).rotate(angle, BILINEAR))
            mask = np.asarray(Image.fromarray(mask).rotate(angle, BILINEAR))
        return (picture[:, ::-1], mask[:, ::-1]) if self.rng.random() < 0.5 else (picture, mask)

    def resized(self, picture: Pixels, mask: Pixels, box: Box, side: int) -> tuple[Pixels, Pixels]:
        """Return ``box`` (fractions) of picture and mask, squashed to (side, side)."""
        parts = []
        for array in (picture, mask):
            height, width = array.shape[:2]
            left, top = min(box[0] * width, width - 4), min(box[1] * height, height - 4)
            pixels = (left, top, max(box[2] * width, left + 4), max(box[3] * height, top + 4))
            image = Image.fromarray(array).resize((side, side), BILINEAR, clipped(pixels, width, height), 2.0)
            parts.append(np.asarray(image))
        return parts[0], parts[1]


def in_one_piece(chosen: Chosen) -> Chosen:
    """Return the largest connected part of a garment (both shoes of a pair), or nothing if it is in shreds."""
    parts, count = ndimage.label(chosen)
    if count < 2:
        return chosen
    sizes = np.bincount(parts.ravel())[1:]
    kept = np.flatnonzero(sizes > 0.4 * sizes.max()) + 1
    return np.asarray(np.isin(parts, kept)) if sizes[kept - 1].sum() > 0.8 * sizes.sum() else np.zeros_like(chosen)


def inner_square(chosen: Chosen) -> Box:
    """Return the largest square of chosen pixels (left, top, right, bottom) in fractions, an odd number of them wide.

    Of no size where none is chosen.
    """
    height, width = chosen.shape
    ringed = np.pad(chosen, 1)
    reach = ndimage.distance_transform_cdt(ringed, "chessboard")[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(reach)), reach.shape)
    half = int(reach[row, column]) - 1
    if half < 0:
        return 0.0, 0.0, 0.0, 0.0
    return (
        (column - half) / width,
        (row - half) / height,
        (column + half + 1) / width,
        (row + half + 1) / height,
    )


def clipped(box: Box, width: int, height: int) -> Box:
    """Return the box inside a picture of that size."""
    return max(0.0, box[0]), max(0.0, box[1]), min(float(width), box[2]), min(float(height), box[3])


def mirrored(patch: Pixels, side: int, rng: np.random.Generator, share: float | None = None) -> Pixels:
    """Tile a patch with its mirror images over (side, side, 3).

    Args:
        share: of the side that the patch's longer side takes; None for any from a third on.
    """
    zoom = (rng.uniform(0.35, 1.0) if share is None else share) * side / max(patch.shape[:2])
    size = (max(8, int(patch.shape[1] * zoom)), max(8, int(patch.shape[0] * zoom)))
    small = np.asarray(Image.fromarray(patch).resize(size, BILINEAR))
    row = np.concatenate([small, small[:, ::-1]], axis=1)
    tile = np.concatenate([row, row[::-1]], axis=0)
    times = (-(-side // tile.shape[0]), -(-side // tile.shape[1]), 1)
    return np.tile(tile, times)[:side, :side]


def coloured(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Change light, colour, sharpness and noise of pictures (n, 3, h, w), 0 .. 1, each in its own way."""
    n = len(pictures)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(n, 1, 1, 1, generator=generator) * (high - low) + low

    x = pictures * uniform(0.6, 1.35) * (1 + 0.16 * torch.randn(n, 3, 1, 1, generator=generator).clamp(-2, 2))
    mean = x.mean(dim=(2, 3), keepdim=True)
    x = (x - mean) * uniform(0.7, 1.3) + mean
    grey = x.mean(dim=1, keepdim=True)
    saturation = torch.where(uniform(0, 1) < 0.12, torch.zeros(n, 1, 1, 1), uniform(0.5, 1.4))
    x = grey + (x - grey) * saturation
    blurred = torch.nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    amount = torch.where(uniform(0, 1) < 0.4, uniform(0, 1), torch.zeros(n, 1, 1, 1))
    x = x + (blurred - x) * amount
    x = x + torch.randn(1, *x.shape[1:], generator=generator) * uniform(-0.035, 0.035)  # one pattern a batch, for speed
    return x.clamp(0, 1)
