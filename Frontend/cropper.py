"""The crop box: opens an upload, shows it small, and says which pixels of the original the shown box holds.

streamlit-cropper 0.3.1 does the drawing and dragging. What it gets wrong is put right here:

- it sends the picture to the browser as PNG in each rerun: it only ever gets a small preview, made once per upload;
- its own resizing scales the box wrongly: it is told not to resize, and the box is scaled to the original here;
- a box dragged over an edge raises or comes back shifted: the box is clipped here;
- with one fixed key a new upload would keep the last one's box: the key holds the upload's id;
- a canvas wider than the column is cut off: the preview fits the narrowest phone we design for;
- a box at rest comes back without its stroke and a dragged one with it: what counts is the frame's outer edge, always.
"""

import io
import math
import struct
import zlib
from dataclasses import dataclass

import pillow_heif
import streamlit as st
from PIL import Image, ImageOps, UnidentifiedImageError
from streamlit_cropper import st_cropper

from Frontend.answers import BoxFractions
from Frontend.errors import PictureUnusable

# A 360 px wide phone less the page's margins of 16 px. Wider screens show the canvas beside the results, equally wide.
CANVAS_WIDTH = 328
CANVAS_HEIGHT = 420
STROKE = 3
STROKE_COLOUR = "#E4572E"
# A smaller frame is a slip of the finger, and too few pixels to recognise anything by.
SMALLEST_BOX = 16
MIDDLE = BoxFractions(x=0.1, y=0.1, w=0.8, h=0.8)
# Around the garment that was found, as a share of its longer side: nothing of it lies under the frame's line, or is
# lost where the mask was a little small (docs/experiments.md, 57).
ROOM = 0.1
EXIF_ORIENTATION = 0x0112
QUARTER_TURNS = (5, 6, 7, 8)
# What the service reads; MPO is opened as JPEG.
KINDS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF")
# What Pillow's plugins raise for bytes that they cannot make sense of; those for AVIF and HEIC raise RuntimeError.
DECODING_FAULTS = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(AssertionError, RuntimeError, MemoryError, struct.error, zlib.error),
)


@dataclass(frozen=True)
class Photo:
    """An upload that can be opened.

    Attributes:
        id: New for every upload, also of the same file.
        data: The file's bytes, unchanged.
        width: Of the upright original in pixels; likewise height.
        preview: The upright picture as it is shown, RGB, at most CANVAS_WIDTH x CANVAS_HEIGHT.
    """

    id: str
    name: str
    data: bytes
    width: int
    height: int
    preview: Image.Image


@dataclass(frozen=True)
class Box:
    """A box in pixels of the upright original, inside it, at least one pixel wide and high."""

    left: int
    top: int
    width: int
    height: int

    def as_tuple(self) -> tuple[int, int, int, int]:
        """Return (left, top, width, height)."""
        return self.left, self.top, self.width, self.height


def open_photo(upload_id: str, name: str, data: bytes, max_pixels: int) -> Photo:
    """Open an upload and make the small picture that is shown.

    Args:
        max_pixels: More than that is refused before any pixel is decoded.
    Raises:
        PictureUnusable: with `too-large`, `cut-off` or `not-a-picture` as its message.
    """
    pillow_heif.register_heif_opener()
    try:
        image = Image.open(io.BytesIO(data), formats=KINDS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureUnusable("too-large") from error
    except UnidentifiedImageError as error:
        raise PictureUnusable("not-a-picture") from error
    except DECODING_FAULTS as error:
        raise PictureUnusable("cut-off") from error
    width, height = image.size
    if width * height > max_pixels:
        raise PictureUnusable("too-large")
    try:
        # PNG may carry its orientation behind the pixels, so that this decodes them.
        turned = image.getexif().get(EXIF_ORIENTATION) in QUARTER_TURNS
        preview = _preview(image, turned)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureUnusable("too-large") from error
    except DECODING_FAULTS as error:
        raise PictureUnusable("cut-off") from error
    return Photo(upload_id, name, data, *((height, width) if turned else (width, height)), preview)


def crop_box(photo: Photo, start: BoxFractions, key: str) -> Box | None:
    """Show the photo with a box that can be dragged.

    Args:
        start: Where the box is until it is dragged.
        key: Of the widget; a new key starts again from `start`.
    Returns:
        The pixels inside the frame's outer edge, or None when it is too small or outside the photo.
    """
    left, top, right, bottom = start_edges(start, photo.preview.size)
    rectangle = st_cropper(
        photo.preview,
        default_coords=(left, right - STROKE, top, bottom - STROKE),
        box_color=STROKE_COLOUR,
        stroke_width=STROKE,
        return_type="box",
        should_resize_image=False,
        key=key,
    )
    if st.session_state.get(key) is not None:  # it was dragged
        left, top = rectangle["left"], rectangle["top"]
        right, bottom = left + rectangle["width"], top + rectangle["height"]
    return to_original((left, top, right, bottom), photo)


def with_room(box: BoxFractions, photo: Photo) -> BoxFractions:
    """Return the box with `ROOM` around it, clipped to the picture."""
    room = ROOM * max(box.w * photo.width, box.h * photo.height)
    across, down = room / photo.width, room / photo.height
    x, y = max(box.x - across, 0.0), max(box.y - down, 0.0)
    right, bottom = min(box.x + box.w + across, 1.0), min(box.y + box.h + down, 1.0)
    return BoxFractions(x=x, y=y, w=right - x, h=bottom - y)


def start_edges(start: BoxFractions, canvas: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the box at rest, in whole canvas pixels inside the canvas.

    The box gets at least twice the size under which it would be refused, where the canvas has room for it.
    """
    left, right = _stretch(start.x * canvas[0], (start.x + start.w) * canvas[0], canvas[0])
    top, bottom = _stretch(start.y * canvas[1], (start.y + start.h) * canvas[1], canvas[1])
    return left, top, right, bottom


def to_original(edges: tuple[float, float, float, float], photo: Photo) -> Box | None:
    """Return the original's pixels under a box on the canvas.

    Args:
        edges: left, top, right, bottom in canvas pixels; may reach over the canvas's edges.
    Returns:
        The box clipped to the picture, or None when less than SMALLEST_BOX canvas pixels are left of a side.
    """
    canvas_width, canvas_height = photo.preview.size
    left, right = (min(max(edge, 0.0), canvas_width) for edge in (edges[0], edges[2]))
    top, bottom = (min(max(edge, 0.0), canvas_height) for edge in (edges[1], edges[3]))
    if right - left < min(SMALLEST_BOX, canvas_width) or bottom - top < min(SMALLEST_BOX, canvas_height):
        return None
    x0, x1 = (round(edge * photo.width / canvas_width) for edge in (left, right))
    y0, y1 = (round(edge * photo.height / canvas_height) for edge in (top, bottom))
    return Box(x0, y0, max(1, x1 - x0), max(1, y1 - y0))


def _stretch(low: float, high: float, length: int) -> tuple[int, int]:
    """Return an interval in whole pixels within 0..length around (low, high), long enough to take hold of."""
    first, last = max(0, math.floor(low)), min(length, math.ceil(high))
    missing = min(2 * SMALLEST_BOX, length) - (last - first)
    if missing > 0:
        first = min(max(0, first - missing // 2), length - min(2 * SMALLEST_BOX, length))
        last = first + min(2 * SMALLEST_BOX, length)
    return first, last


def _preview(image: Image.Image, turned: bool) -> Image.Image:
    """Return the upright picture, RGB on white, as large as the canvas allows."""
    bounds = (CANVAS_HEIGHT, CANVAS_WIDTH) if turned else (CANVAS_WIDTH, CANVAS_HEIGHT)
    # JPEG decodes straight to a fraction of its size; this is what makes a 12-megapixel photo quick.
    image.draft("RGB", (2 * bounds[0], 2 * bounds[1]))
    image.load()
    upright = _to_rgb(ImageOps.exif_transpose(image))
    return ImageOps.contain(upright, (CANVAS_WIDTH, CANVAS_HEIGHT), Image.Resampling.LANCZOS)


def _to_rgb(image: Image.Image) -> Image.Image:
    """Return the picture as RGB, transparent parts white, 16 bits per channel brought down to 8."""
    if image.mode.startswith(("I", "F")):
        return image.convert("F").point(lambda value: value / 257).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        flat = Image.new("RGBA", layer.size, "white")
        flat.alpha_composite(layer)
        return flat.convert("RGB")
    return image.convert("RGB")
