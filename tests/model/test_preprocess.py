"""Every kind of good and bad picture, and the numbers that reach a network."""

from __future__ import annotations

import io
import resource
import struct
import zlib
from collections.abc import Callable
from dataclasses import astuple

import numpy as np
import pytest
from PIL import Image, ImageOps

from Model.card import Card
from Model.errors import CropInvalid, ImageTooLarge, ImageTruncated, NotAnImage
from Model.preprocess import (
    WHOLE,
    DecodeLimits,
    crop,
    decode,
    fit,
    load,
    load_view,
    make_box,
    pixel_box,
    shrink,
    to_batch,
)

Encode = Callable[..., bytes]


def card(**fields: object) -> Card:
    facts = {"format": 1, "name": "t", "kind": "encoder", "sha256": "0" * 64, "input_size": (24, 32), **fields}
    return Card.model_validate(facts)


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """Return the colours near the four corners, coarsely."""
    width, height = image.size
    places = [(0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8)]
    pixels = [image.getpixel((int(x * width), int(y * height))) for x, y in places]
    return [tuple(round(value / 64) for value in pixel) for pixel in pixels]  # type: ignore[union-attr]


def bomb(width: int, height: int) -> bytes:
    """Return a valid PNG of one bit per pixel whose rows are all zero: about a thousandth of its pixels in bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress(b"\0" * ((width // 8 + 1) * 8), 9)  # the header alone must be enough to refuse it
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "HEIF", "AVIF"])
def test_every_kind_is_read(scene: Image.Image, encode: Encode, kind: str) -> None:
    decode(encode(scene))  # registers HEIC
    options = {} if kind in {"PNG", "GIF"} else {"quality": 95}
    image = decode(encode(scene, kind, **options))
    assert (image.mode, image.size) == ("RGB", scene.size)
    assert corners(image) == corners(scene)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_exif_turns_once(scene: Image.Image, encode: Encode, orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(scene, kind, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    image = decode(data)
    assert image.size == ((80, 120) if orientation >= 5 else (120, 80))
    assert corners(image) == corners(expected)
    assert corners(load(data)) == corners(expected)
    assert image.getexif().get(0x0112, 1) == 1, "a later reader would turn it again"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_crop_is_on_the_upright_picture(scene: Image.Image, encode: Encode, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(scene.resize((1500, 1000)), "JPEG", exif=exif)
    upright = decode(data)
    for box in [(0.03, 0.02, 0.95, 0.97), (0.6, 0.55, 0.3, 0.4)]:
        view = load_view(data, crop_box=box)
        width, height = view.image.size
        left, top = view.part.x * width, view.part.y * height
        edges = (left, top, left + view.part.w * width, top + view.part.h * height)
        slow = crop(upright, box)
        size = (round(view.part.w * width), round(view.part.h * height))
        fast = view.image.resize(size, Image.Resampling.BICUBIC, edges)
        expected = slow.resize(size, Image.Resampling.BICUBIC)
        assert np.abs(np.asarray(fast, int) - np.asarray(expected, int)).mean() < 3
        width, height = upright.size
        in_px = (box[0] * width, box[1] * height, box[2] * width, box[3] * height)
        again = load_view(data, crop_box=in_px, unit="px")
        assert np.array_equal(np.asarray(again.image), np.asarray(view.image))
        np.testing.assert_allclose(astuple(again.part), astuple(view.part))


def test_a_view_has_room_around_its_part_where_the_picture_has_it(scene: Image.Image, encode: Encode) -> None:
    data = encode(scene, "PNG")  # 120 x 80
    view = load_view(data, crop_box=(30, 20, 50, 40), unit="px")
    assert view.image.size == (60, 50)
    assert pixel_box(view.part, view.image.size) == (5, 5, 55, 45)
    assert np.array_equal(np.asarray(view.image), np.asarray(scene.crop((25, 15, 85, 65))))
    at_the_edge = load_view(data, crop_box=(0, 40, 60, 40), unit="px")
    assert at_the_edge.image.size == (66, 46)
    assert pixel_box(at_the_edge.part, at_the_edge.image.size) == (0, 6, 60, 46)
    for whole in (load_view(data), load_view(data, crop_box=(-1, -1, 9, 9))):
        assert whole.part == WHOLE
        assert np.array_equal(np.asarray(whole.image), np.asarray(load(data)))


def test_sixteen_bits_are_scaled_not_clipped(encode: Encode) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    image = np.asarray(decode(encode(Image.fromarray(ramp))))
    assert np.abs(image[..., 0].astype(int) - (ramp >> 8)).max() <= 1


def test_cmyk(scene: Image.Image, encode: Encode) -> None:
    image = decode(encode(scene.convert("CMYK"), "JPEG", quality=95))
    assert image.mode == "RGB"
    assert corners(image)[0][0] >= 3


def test_transparency_is_white(encode: Encode) -> None:
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    clear.paste((200, 0, 0, 255), (0, 0, 10, 20))
    for data in (encode(clear), encode(clear, "WEBP", lossless=True), encode(clear.quantize(8), "PNG")):
        image = decode(data)
        assert image.getpixel((15, 10)) == (255, 255, 255)
        assert image.getpixel((3, 10)) == (200, 0, 0)
    keyed = Image.new("P", (4, 4), 0)
    keyed.putpalette([10, 20, 30, 200, 0, 0])
    keyed.putpixel((0, 0), 1)
    image = decode(encode(keyed, "PNG", transparency=0))
    assert image.getpixel((3, 3)) == (255, 255, 255)
    assert image.getpixel((0, 0)) == (200, 0, 0)
    grey = Image.new("LA", (4, 4), (90, 128))
    assert decode(encode(grey)).getpixel((0, 0)) == pytest.approx((172, 172, 172), abs=2)


def test_animated_gif_gives_its_first_frame(encode: Encode) -> None:
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "lime", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    assert decode(data).getpixel((5, 5)) == (255, 0, 0)


@pytest.mark.parametrize(
    "data",
    [b"", b"hello, I am a text file named photo.jpg\n" * 40, b"%PDF-1.7\n", b"\0" * 1000, b"<svg></svg>"],
    ids=["empty", "text", "pdf", "zeros", "svg"],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(NotAnImage, match="choose a photo"):
        decode(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "HEIF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7])
def test_truncated(encode: Encode, kind: str, share: float) -> None:
    # Grey for GIF: reducing colour noise to a palette takes Pillow very long.
    shape = (100, 150) if kind == "GIF" else (100, 150, 3)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    decode(encode(Image.new("RGB", (2, 2))))
    data = encode(noise, kind)
    for read in (decode, load):
        with pytest.raises(ImageTruncated, match="damaged or incomplete"):
            read(data[: max(int(len(data) * share), 20)])


@pytest.mark.filterwarnings("ignore::UserWarning")  # what Pillow says of a damaged EXIF block
@pytest.mark.parametrize("kind", ["JPEG", "MPO", "PNG", "WEBP", "GIF", "HEIF", "AVIF"])
def test_damaged_inside_never_raises_anything_else(scene: Image.Image, encode: Encode, kind: str) -> None:
    """Most of the damage is in the headers: that is where Pillow's plugins differ in what they raise."""
    decode(encode(scene))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "scene"
    good = encode(scene, kind, **({} if kind == "GIF" else {"exif": exif}))
    rng = np.random.default_rng(1)
    for attempt in range(200):
        bad = bytearray(good)
        reach = min(len(bad), 600) if attempt % 4 else len(bad)
        for place in rng.integers(0, reach, int(rng.integers(1, 6))):
            bad[place] = int(rng.choice([0, 255, int(rng.integers(0, 256))]))
        for read in (decode, load):
            try:
                image = read(bytes(bad))
            except (NotAnImage, ImageTruncated, ImageTooLarge):
                continue
            assert image.mode == "RGB"


def test_a_damaged_avif_is_told_as_such(encode: Encode) -> None:
    """Pillow's plugin says RuntimeError where the others say OSError."""
    data = bytearray(encode(Image.new("RGB", (64, 48), "teal"), "AVIF"))
    data[81] = 0
    with pytest.raises(ImageTruncated, match="damaged or incomplete"):
        decode(bytes(data))


def test_bombs_are_refused_by_their_header() -> None:
    data = bomb(20_000, 20_000)
    assert len(data) < 1_100
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for width, height in [(20_000, 20_000), (9_000, 9_000), (60_000, 2_000), (2_000_000_000, 2_000_000_000)]:
        for read in (decode, load):
            with pytest.raises((ImageTooLarge, ImageTruncated)):
                read(bomb(width, height) if width < 1_000_000 else data.replace(struct.pack(">I", 20_000), b"\x7f" * 4))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000, "kB"


def test_limits_are_the_callers() -> None:
    with pytest.raises(ImageTooLarge, match="larger than 50 MB"):
        decode(b"\xff" * 50_000_001, DecodeLimits(max_bytes=50_000_000))
    buffer = io.BytesIO()
    Image.new("RGB", (101, 100)).save(buffer, "PNG")
    with pytest.raises(ImageTooLarge, match="megapixels"):
        decode(buffer.getvalue(), DecodeLimits(max_pixels=10_000))


@pytest.mark.parametrize(
    ("box", "unit"),
    [
        ((1.0, 0.0, 0.5, 0.5), "fraction"),
        ((-0.5, 0.0, 0.5, 0.5), "fraction"),
        ((0.0, 0.0, 0.0, 0.5), "fraction"),
        ((0.0, 0.0, -0.1, 0.5), "fraction"),
        ((0.0, 0.0, float("nan"), 0.5), "fraction"),
        ((0.0, 0.0, float("inf"), 0.5), "fraction"),
        ((120, 0, 10, 10), "px"),
        ((0, 0, 10), "px"),
        ((0.0, 0.0, 1e-9, 1e-9), "fraction"),
    ],
)
def test_crop_invalid(scene: Image.Image, box: tuple[float, ...], unit: str) -> None:
    with pytest.raises(CropInvalid):
        crop(scene, box, unit)  # type: ignore[arg-type]


def test_crop_is_clipped(scene: Image.Image) -> None:
    assert crop(scene, (-0.5, -0.5, 1.0, 1.0)).size == (60, 40)
    assert crop(scene, (100, 70, 500, 500), "px").size == (20, 10)
    assert crop(scene, (119.4, 0, 0.6, 1), "px").size == (1, 1)
    box = make_box((0.25, 0.25, 2.0, 0.5), "fraction", scene.size)
    assert (box.x, box.y, box.w, box.h) == (0.25, 0.25, 0.75, 0.5)


def test_a_large_jpeg_is_decoded_small_enough_and_large_enough(encode: Encode) -> None:
    gradient = np.linspace(0, 255, 3000).astype(np.uint8)
    picture = Image.fromarray(np.stack([np.tile(gradient, (2000, 1))] * 3, axis=-1))
    data = encode(picture, "JPEG", quality=95)
    slow = shrink(decode(data))
    fast = load(data)
    assert fast.size == slow.size == (640, 427)
    assert np.abs(np.asarray(fast, int) - np.asarray(slow, int)).max() <= 3
    small = load_view(data, crop_box=(0, 0, 0.1, 0.1))
    assert small.image.size == (330, 230), "a small crop keeps every pixel"


@pytest.mark.parametrize("size", [(64, 48), (48, 64), (31, 200), (1, 1), (700, 20)])
def test_letterbox_equals_a_slow_recomputation(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    facts = card(resize="letterbox", mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7), pad_color=(255, 0, 128))
    batch = to_batch([image], facts)
    assert batch.shape == (1, 3, 24, 32)
    assert batch.dtype == np.float32
    assert batch.flags["C_CONTIGUOUS"]
    ratio = min(32 / size[0], 24 / size[1])
    inner = (max(round(size[0] * ratio), 1), max(round(size[1] * ratio), 1))
    small = np.asarray(image.resize(inner, Image.Resampling.BICUBIC, reducing_gap=3.0))
    expected = np.empty((3, 24, 32))
    left, top = (32 - inner[0]) // 2, (24 - inner[1]) // 2
    for channel in range(3):
        for y in range(24):
            for x in range(32):
                inside = top <= y < top + inner[1] and left <= x < left + inner[0]
                value = small[y - top, x - left, channel] if inside else facts.pad_color[channel]
                expected[channel, y, x] = (value / 255 - facts.mean[channel]) / facts.std[channel]
    np.testing.assert_allclose(batch[0], expected, atol=2e-6)


def test_a_mask_travels_as_a_fourth_channel_beside_all_colours() -> None:
    random = np.random.default_rng(4)
    pixels = random.integers(0, 256, (30, 20, 4), dtype=np.uint8)
    pixels[:15, :, 3] = 0  # where nothing is garment, the colours count all the same
    facts = card(background="alpha")
    opaque = Image.fromarray(pixels[:, :, :3])
    batch = to_batch([Image.fromarray(pixels), opaque], facts)
    assert batch.shape == (2, 4, 24, 32)
    plain = to_batch([opaque], card(background="keep"))
    np.testing.assert_array_equal(batch[:, :3], plain.repeat(2, axis=0))
    small = np.asarray(Image.fromarray(pixels[:, :, 3]).resize((16, 24), Image.Resampling.BICUBIC, reducing_gap=3.0))
    expected = np.ones((24, 32))
    expected[:, 8:24] = small / 255
    np.testing.assert_allclose(batch[0, 3], expected, atol=1e-6)
    assert (batch[1, 3] == 1).all()


def test_squash_fills_the_input(scene: Image.Image) -> None:
    image = fit(scene, card(resize="squash"))
    assert image.size == (32, 24)
    assert corners(image) == corners(scene)
