"""The drawing board: pieces of cloth, seams and prints laid over one another, lit, and set before a studio wall."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from Data.sample.fabrics import Cloth, channels, weave_light
from Data.sample.geometry import Points, ribbon
from Data.sample.palette import RGB, darker, lighter, luma
from Data.sample.raster import HEIGHT, WIDTH, Field, Window, blur, coverage, resize, window_of
from Data.sample.shading import Fold, relief

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Decal:
    """A print on a piece: premultiplied RGBA in 0..1 (4, rows, columns), centred at (x, y), `size` pixels wide."""

    image: npt.NDArray[np.float32]
    x: float
    y: float
    size: float


@dataclass(frozen=True)
class Part:
    """One piece of a product. Coordinates are pixels, x from the picture's middle.

    `grain` turns the cloth (radians), `edge` and `puff` round it off, `tone` dims it, `cast` is the shadow that it
    throws on what lies below, `within` cuts it to another outline, `holes` are cut out, `sewn_to` are the outlines of
    neighbours towards which it does not round off.
    """

    outline: Points
    cloth: Cloth
    folds: tuple[Fold, ...] = ()
    grain: float = 0.0
    edge: float = 12.0
    puff: float = 0.5
    wrinkle: float = 0.8
    wrinkle_cell: tuple[float, float] = (46.0, 80.0)
    tone: float = 1.0
    cast: float = 0.30
    within: Points | None = None
    holes: tuple[Points, ...] = ()
    sewn_to: tuple[Points, ...] = ()
    decal: Decal | None = None


@dataclass(frozen=True)
class Seam:
    """A line on what lies below: a pressed seam, a row of stitches, or a drawn line. `width` in pixels."""

    path: Points
    kind: Literal["seam", "stitch", "line"] = "seam"
    colour: RGB | None = None
    width: float = 1.6
    strength: float = 0.35
    within: Points | None = None


Element = Part | Seam


@dataclass(frozen=True)
class Sketch:
    """A product before it is painted: its pieces from back to front, its cut in words, and where it rests."""

    elements: tuple[Element, ...]
    cut: str
    ground: Literal["wall", "floor"] = "wall"


@dataclass(frozen=True)
class Pose:
    """How this copy lies: a small turn (radians), a scale, and a slow sideways wave (pixels, phase)."""

    turn: float = 0.0
    scale: float = 1.0
    wave: float = 0.0
    phase: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0

    def framed(self, sketch: Sketch) -> Pose:
        """Return the pose that also puts the sketch in the middle of the frame, or low on the floor, at a good size."""
        points = np.concatenate([e.outline for e in sketch.elements if isinstance(e, Part)])
        (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        wide, tall = right - left, bottom - top
        fit = self.scale * min(1.2, 436 / wide, (520 if sketch.ground == "wall" else 440) / tall)
        rest = HEIGHT / 2 if sketch.ground == "wall" else HEIGHT * 0.53 + min(60.0, (440 - tall * fit) * 0.22)
        return replace(
            self,
            scale=fit,
            shift_x=self.shift_x - fit * (left + right) / 2,
            shift_y=self.shift_y + rest - HEIGHT / 2 - fit * ((top + bottom) / 2 - HEIGHT / 2),
        )

    def place(self, points: Points) -> Points:
        """Return the points in picture pixels."""
        x, y = points[:, 0] * self.scale, (points[:, 1] - HEIGHT / 2) * self.scale
        x2 = x + self.wave * np.sin(y / 95 + self.phase)
        y2 = y + 0.7 * self.wave * np.sin(x / 80 + self.phase * 1.7)
        c, s = math.cos(self.turn), math.sin(self.turn)
        return np.stack(
            [WIDTH / 2 + self.shift_x + x2 * c - y2 * s, HEIGHT / 2 + self.shift_y + x2 * s + y2 * c], axis=1
        )

    def place_fold(self, fold: Fold) -> Fold:
        """Return the fold in picture pixels."""
        (x0, y0), (x1, y1) = self.place(np.array([[fold.x0, fold.y0], [fold.x1, fold.y1]])).tolist()
        k = self.scale
        return Fold(x0, y0, x1, y1, fold.width * k, fold.height * k, fold.bend * k, fold.spread, fold.fade, fold.lee)


@dataclass
class Board:
    """Premultiplied colour (3, HEIGHT, WIDTH) and coverage (HEIGHT, WIDTH) of everything laid so far."""

    pose: Pose
    seed: int
    colour: npt.NDArray[np.float32] = field(
        default_factory=lambda: np.zeros((3, HEIGHT, WIDTH), dtype=np.float32), repr=False
    )
    cover: Field = field(default_factory=lambda: np.zeros((HEIGHT, WIDTH), dtype=np.float32), repr=False)
    laid: int = 0

    def lay(self, element: Element) -> None:
        """Lay a piece or a seam on top."""
        self.laid += 1
        if isinstance(element, Part):
            self._lay_part(element)
        else:
            self._lay_seam(element)

    def _lay_part(self, part: Part) -> None:
        outline = self.pose.place(part.outline)
        window = window_of(outline, 13 if part.cast else 3)
        cover = coverage([outline], window, holes=[self.pose.place(h) for h in part.holes])
        if part.within is not None:
            cover = cover * coverage([self.pose.place(part.within)], window)
        whole = cover
        if part.sewn_to:
            whole = np.maximum(cover, coverage([self.pose.place(o) for o in part.sewn_to], window, fine=False))
        surface = relief(
            whole,
            window,
            folds=tuple(self.pose.place_fold(f) for f in part.folds),
            edge=part.edge * self.pose.scale,
            puff=part.puff,
            wrinkle=part.wrinkle,
            wrinkle_cell=part.wrinkle_cell,
            seed=self.seed + self.laid,
        )
        u, v = self._cloth_coordinates(window, part.grain, surface.slope_x, surface.slope_y)
        paint = part.cloth.paint(u, v)
        if part.decal is not None:
            paint = self._print(paint, part.decal, window, surface.slope_x, surface.slope_y)
        light = surface.light * weave_light(part.cloth.weave, u, v) * part.tone
        paint = paint * light
        # Dark cloth shows its folds by what it reflects, not by how much darker it gets.
        sheen = (0.07 + part.cloth.gloss) * np.clip(surface.light - 1.0, 0, 1) * part.tone
        paint += sheen * (1 + 3.0 * part.cloth.gloss)
        np.clip(paint, 0, 1, out=paint)
        paint *= cover
        below, covered = self.colour[:, *window.slices], self.cover[window.slices]
        if part.cast and covered.any():
            shadow = np.zeros_like(cover)
            shadow[4:, 2:] = cover[:-4, :-2]
            below *= 1 - part.cast * blur(shadow, 4.0)
        gap = 1 - cover
        below *= gap
        below += paint
        covered *= gap
        covered += cover

    def _cloth_coordinates(self, window: Window, grain: float, slope_x: Field, slope_y: Field) -> tuple[Field, Field]:
        """Return pattern coordinates, turned by the grain and dragged along by the slopes."""
        x, y = window.grid()
        along_x: Field = x - np.float32(WIDTH / 2) - np.float32(7.0) * slope_x
        along_y: Field = y - np.float32(HEIGHT / 2) - np.float32(7.0) * slope_y
        angle = grain + self.pose.turn
        c, s = np.float32(math.cos(angle)), np.float32(math.sin(angle))
        return along_x * c + along_y * s, along_y * c - along_x * s

    def _print(
        self, paint: npt.NDArray[np.float32], decal: Decal, window: Window, slope_x: Field, slope_y: Field
    ) -> npt.NDArray[np.float32]:
        (cx, cy) = self.pose.place(np.array([[decal.x, decal.y]]))[0].tolist()
        rows, columns = decal.image.shape[1:]
        x, y = window.grid()
        per = columns / (decal.size * self.pose.scale)
        column = np.rint((x - cx - 5.0 * slope_x) * per + columns / 2).astype(np.int32)
        row = np.rint((y - cy - 5.0 * slope_y) * per + rows / 2).astype(np.int32)
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        texel = decal.image[:, np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)] * inside
        return paint * (1 - texel[3]) + texel[:3]

    def _lay_seam(self, seam: Seam) -> None:
        path = self.pose.place(seam.path)
        window = window_of(path, 6)
        outlines = _dashes(path, seam.width) if seam.kind == "stitch" else [ribbon(path, seam.width)]
        if not outlines:
            return
        cover = coverage(outlines, window) * self.cover[window.slices]
        if seam.within is not None:
            cover = cover * coverage([self.pose.place(seam.within)], window)
        below = self.colour[:, *window.slices]
        # The light from the upper left leaves a bright lip below a groove.
        lip = np.zeros_like(cover)
        lip[2:, 1:] = cover[:-2, :-1]
        below *= 1 + (0.35 * seam.strength) * np.clip(lip - cover, 0, 1)
        if seam.colour is None:
            below *= 1 - seam.strength * cover
            return
        covered = self.cover[window.slices]
        ink = cover * min(1.0, 2.4 * seam.strength)
        below *= 1 - ink
        below += channels(seam.colour) * (ink * np.clip(covered, 0, 1))


def _dashes(path: Points, width: float, dash: float = 5.0, gap: float = 3.0) -> list[Points]:
    """Return the stitches along a path as little strips."""
    step = np.linalg.norm(np.diff(path, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(step)])
    starts = np.arange(1.0, along[-1] - dash, dash + gap)
    ends = [
        np.stack([np.interp(at, along, path[:, 0]), np.interp(at, along, path[:, 1])], axis=1)
        for at in (starts, starts + dash)
    ]
    way = ends[1] - ends[0]
    across = np.stack([-way[:, 1], way[:, 0]], axis=1) * (width / 2 / dash)
    corners = np.stack([ends[0] + across, ends[1] + across, ends[1] - across, ends[0] - across], axis=1)
    return list(corners)


def thread_for(colour: RGB) -> RGB:
    """Return a thread colour that shows quietly on the cloth."""
    return lighter(colour, 0.30) if luma(colour) < 0.45 else darker(colour, 0.28)


def paint(sketch: Sketch, pose: Pose, seed: int) -> tuple[Picture, Picture]:
    """Paint a sketch.

    Returns:
        The picture, uint8 RGB (HEIGHT, WIDTH, 3), and the product's exact coverage without its shadow, uint8
        (HEIGHT, WIDTH).
    """
    board = Board(pose.framed(sketch), seed)
    for element in sketch.elements:
        board.lay(element)
    rgb = _wall(board.cover, sketch.ground, seed)
    rgb *= 1 - board.cover
    rgb += board.colour
    np.clip(rgb, 0, 1, out=rgb)
    rgb *= 255
    rgb += 0.5
    picture = np.ascontiguousarray(rgb.astype(np.uint8).transpose(1, 2, 0))
    return picture, (board.cover * 255 + 0.5).astype(np.uint8)


WALLS: tuple[RGB, ...] = (
    (0.968, 0.966, 0.960),
    (0.962, 0.965, 0.968),
    (0.970, 0.963, 0.957),
    (0.985, 0.985, 0.985),
    (0.955, 0.960, 0.962),
)


@lru_cache(maxsize=1)
def _fall_off() -> Field:
    """Return how the studio light falls off towards the corners. Shape: (HEIGHT, WIDTH)."""
    y = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None, :]
    fall: Field = np.asarray(1.012 - 0.030 * (0.7 * (x + 0.15) ** 2 + (y + 0.25) ** 2), dtype=np.float32)
    return fall


def _wall(cover: Field, ground: str, seed: int) -> npt.NDArray[np.float32]:
    """Return the studio background with the product's soft shadow. Shape: (3, HEIGHT, WIDTH)."""
    base = np.asarray(WALLS[seed % len(WALLS)], dtype=np.float32)
    fall = _fall_off()
    small = resize(cover, (HEIGHT // 4, WIDTH // 4), box=True)
    if ground == "wall":
        near, far = np.zeros_like(small), np.zeros_like(small)
        near[1:, :] = small[:-1, :]
        far[4:, 2:] = small[:-4, :-2]
        shadow = 0.14 * blur(near, 1.4) + 0.15 * blur(far, 6.0)
    else:
        columns = np.flatnonzero(small.max(axis=0) > 0.5)
        rows = np.flatnonzero(small.max(axis=1) > 0.5)
        foot = np.zeros_like(small)
        if len(rows):
            bottom = int(rows[-1])
            # Each column darkens the floor where it comes down; what hangs high above the floor hardly does.
            solid = cover > 0.5
            last = np.where(solid.any(axis=0), HEIGHT - 1 - np.argmax(solid[::-1], axis=0), 0)
            lowest = last.reshape(-1, 4).max(axis=1) / 4
            strength = np.zeros(small.shape[1], dtype=np.float32)
            strength[columns] = 0.85 * np.exp(-np.maximum(bottom - lowest[columns], 0) / 9.0)
            level = np.arange(small.shape[0], dtype=np.float32)[:, None] - lowest.astype(np.float32)
            foot = strength * np.exp(-((level / 1.6) ** 2))
            broad = np.zeros_like(small)
            broad[max(0, bottom - 5) : bottom + 4, columns[0] : columns[-1] + 1] = 1
            shadow = 0.62 * blur(foot, 1.5) + 0.20 * blur(broad, 6.0) + 0.03 * blur(small, 8.0)
            y = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None]
            fall = fall - 0.03 * np.clip((y - (bottom * 8 / HEIGHT - 1)) * 3 + 0.5, 0, 1)
        else:
            shadow = foot
    shade = resize(np.ascontiguousarray(shadow, dtype=np.float32), (HEIGHT, WIDTH))
    wall = np.empty((3, HEIGHT, WIDTH), dtype=np.float32)
    for channel, tint in enumerate((1.0, 0.985, 0.955)):
        np.multiply(base[channel] * fall, 1 - np.float32(tint) * shade, out=wall[channel])
    return wall
