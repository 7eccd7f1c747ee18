"""Opening uploads, and the way from the box on the canvas to pixels of the original."""

import io
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from Frontend.answers import BoxFractions
from Frontend.cropper import (
    CANVAS_HEIGHT,
    CANVAS_WIDTH,
    EXIF_ORIENTATION,
    KINDS,
    MIDDLE,
    SMALLEST_BOX,
    Box,
    Photo,
    open_photo,
    start_edges,
    to_original,
    with_room,
)
from Frontend.errors import PictureUnusable

PLENTY = 60_000_000
TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return the bytes of an image in a format."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(width: int, height: int) -> Photo:
    """Return an upload of this size."""
    return open_photo("id", "a.jpg", saved(Image.new("RGB", (width, height), "red"), "JPEG"), PLENTY)


LARGE = Photo("id", "a.jpg", b"", 3280, 4200, Image.new("RGB", (CANVAS_WIDTH, CANVAS_HEIGHT)))


def bomb(side: int) -> bytes:
    """Return a PNG of about a kilobyte that says it is side x side pixels."""
    head = side.to_bytes(4) * 2 + bytes([1, 0, 0, 0, 0])
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4) for name, data in chunks
    )


@pytest.mark.parametrize("orientation", TURNS)
def test_every_way_a_camera_is_held_comes_out_upright(orientation: int) -> None:
    pixels = np.zeros((600, 400, 3), np.uint8)
    pixels[:300, :, 0] = 255  # red above, blue below
    pixels[300:, :, 2] = 255
    pixels[:, :100, 1] = 200  # and greenish on the left
    turn = TURNS[orientation]
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    stored = saved(image if turn is None else image.transpose(turn), "JPEG", exif=exif, quality=95)
    photo = open_photo("id", "a.jpg", stored, PLENTY)
    assert (photo.width, photo.height) == (400, 600)
    assert photo.preview.size == (280, 420)
    seen = np.asarray(photo.preview).astype(int)
    np.testing.assert_allclose(seen[10, 10], (255, 200, 0), atol=8)
    np.testing.assert_allclose(seen[-10, -10], (0, 0, 255), atol=8)


@pytest.mark.parametrize(
    ("image", "kind", "corner"),
    [
        (Image.new("CMYK", (90, 60), (0, 255, 255, 0)), "JPEG", (254, 0, 0)),
        (Image.new("RGBA", (90, 60), (255, 0, 0, 0)), "PNG", (255, 255, 255)),
        (Image.new("I;16", (90, 60), 0x8000), "PNG", (127, 127, 127)),
        (Image.new("L", (90, 60), 77), "PNG", (77, 77, 77)),
        (Image.new("P", (90, 60)), "PNG", (0, 0, 0)),
        (Image.new("RGB", (90, 60), "blue"), "WEBP", (0, 0, 255)),
        (Image.new("RGB", (90, 60), "blue"), "HEIF", (0, 0, 255)),
        (Image.new("RGB", (90, 60), "blue"), "AVIF", (0, 0, 255)),
        (Image.new("RGB", (90, 60), "blue"), "GIF", (0, 0, 255)),
    ],
    ids=["cmyk", "transparent", "16-bit", "grey", "palette", "webp", "heic", "avif", "gif"],
)
def test_every_kind_of_picture_is_shown_as_rgb(image: Image.Image, kind: str, corner: tuple[int, int, int]) -> None:
    pillow_heif.register_heif_opener()
    photo = open_photo("id", "a", saved(image, kind), PLENTY)
    assert photo.preview.mode == "RGB"
    assert (photo.width, photo.height) == (90, 60)
    np.testing.assert_allclose(np.asarray(photo.preview)[5, 5].astype(int), corner, atol=4)


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (60, 40), (3000, 40), (1, 1)])
def test_the_canvas_fits_a_phone_and_keeps_the_shape(size: tuple[int, int]) -> None:
    photo = opened(*size)
    width, height = photo.preview.size
    assert width <= CANVAS_WIDTH
    assert height <= CANVAS_HEIGHT
    assert width == CANVAS_WIDTH or height == CANVAS_HEIGHT
    assert width / height == pytest.approx(size[0] / size[1], rel=0.15)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not-a-picture"),
        (b"hello", "not-a-picture"),
        (saved(Image.effect_noise((300, 300), 90).convert("RGB"), "JPEG")[:4000], "cut-off"),
        (saved(Image.effect_noise((300, 300), 90), "PNG")[:4000], "cut-off"),
        (bomb(20_000), "too-large"),
        (bomb(10_000), "too-large"),
        (bomb(8_000), "too-large"),
        (bomb(1_000), "cut-off"),
    ],
    ids=["empty", "text", "half-jpeg", "half-png", "bomb", "smaller-bomb", "over-the-limit", "too-few-rows"],
)
def test_what_cannot_be_used_is_told_apart(data: bytes, why: str) -> None:
    with pytest.raises(PictureUnusable, match=why):
        open_photo("id", "a", data, PLENTY)


@pytest.mark.filterwarnings("ignore::UserWarning")  # what Pillow says of a damaged EXIF block
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_picture_is_told_and_never_ends_in_a_traceback(kind: str) -> None:
    pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    image = Image.effect_noise((64, 48), 90).convert("L" if kind == "GIF" else "RGB")
    good = saved(image, kind, **({} if kind == "GIF" else {"exif": exif}))
    rng = np.random.default_rng(1)
    for _ in range(150):
        bad = bytearray(good)
        for place in rng.integers(0, min(len(bad), 600), int(rng.integers(1, 6))):
            bad[place] = int(rng.choice([0, 255, int(rng.integers(0, 256))]))
        try:
            photo = open_photo("id", "a", bytes(bad), PLENTY)
        except PictureUnusable:
            continue
        assert photo.preview.mode == "RGB"


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "DDS", "ICO", "PPM"])
def test_what_the_service_does_not_read_is_not_opened(kind: str) -> None:
    with pytest.raises(PictureUnusable, match="not-a-picture"):
        open_photo("id", "photo.jpg", saved(Image.new("RGB", (64, 48), "teal"), kind), PLENTY)


def test_the_box_is_scaled_to_the_original() -> None:
    assert to_original((10, 20, 110.2, 220), LARGE) == Box(100, 200, 1002, 2000)
    assert to_original((0, 0, 328, 420), LARGE) == Box(0, 0, 3280, 4200)


def test_a_box_over_the_edges_is_clipped_to_the_picture() -> None:
    assert to_original((-50, -50, 100, 100), LARGE) == Box(0, 0, 1000, 1000)
    assert to_original((300, 400, 999, 999), LARGE) == Box(3000, 4000, 280, 200)


@pytest.mark.parametrize("edges", [(-90, 0, -10, 90), (400, 0, 500, 90), (10, 10, 10 + SMALLEST_BOX - 1, 200)])
def test_a_box_outside_or_too_small_is_no_box(edges: tuple[float, float, float, float]) -> None:
    assert to_original(edges, LARGE) is None


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((100, 50, 200, 100), (80, 30, 320, 170)),  # left, top, right, bottom: 20 px, a tenth of the longer side
        ((100, 50, 50, 200), (80, 30, 170, 270)),
        ((5, 290, 390, 8), (0, 251, 400, 300)),
        ((0, 0, 400, 300), (0, 0, 400, 300)),
    ],
)
def test_there_is_room_around_the_garment_where_the_picture_has_it(
    box: tuple[int, int, int, int], expected: tuple[int, int, int, int]
) -> None:
    photo = Photo("1", "a.jpg", b"", 400, 300, Image.new("RGB", (400, 300)))
    found = with_room(BoxFractions(x=box[0] / 400, y=box[1] / 300, w=box[2] / 400, h=box[3] / 300), photo)
    edges = (found.x * 400, found.y * 300, (found.x + found.w) * 400, (found.y + found.h) * 300)
    assert edges == pytest.approx(expected)


def test_the_box_starts_on_whole_pixels_around_the_garment() -> None:
    assert start_edges(BoxFractions(x=0.101, y=0.2, w=0.5, h=0.5), (300, 400)) == (30, 80, 181, 280)
    assert start_edges(MIDDLE, (300, 400)) == (30, 40, 270, 360)


@pytest.mark.parametrize("x", [0.0, 0.5, 0.999, 1.0])
def test_a_tiny_start_grows_until_it_can_be_held(x: float) -> None:
    left, top, right, bottom = start_edges(BoxFractions(x=x, y=0.5, w=0.001, h=0.001), (300, 400))
    assert right - left == bottom - top == 2 * SMALLEST_BOX
    assert 0 <= left < right <= 300
    assert 0 <= top < bottom <= 400
