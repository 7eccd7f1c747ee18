"""What people really send: each file is answered rightly or by a problem document, and never with a traceback."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from Backend.main import create_app
from Backend.schemas import SimilarAnswer
from Backend.settings import Settings
from tests.backend.conftest import DrawnPhoto

URL = "/api/recommendations/similar-images"
ROUTES = (URL, "/api/classify", "/api/garment-box", "/getSimilarFashion", "/getCategory")
EXIF_ORIENTATION = 0x0112


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def huge_png() -> bytes:
    """Return a PNG of 1 kB whose header claims 20,000 x 20,000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(900_000), 9))
        + chunk(b"IEND", b"")
    )


UNUSABLE: dict[str, tuple[Callable[[bytes], bytes], int, str]] = {
    "empty": (lambda jpeg: b"", 415, "not-an-image"),
    "text": (lambda jpeg: b"This is not a picture.\n" * 20, 415, "not-an-image"),
    "html": (lambda jpeg: b"<html><script>alert(1)</script></html>", 415, "not-an-image"),
    "svg": (lambda jpeg: b'<svg xmlns="http://www.w3.org/2000/svg"/>', 415, "not-an-image"),
    "pdf": (lambda jpeg: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", 415, "not-an-image"),
    "noise": (lambda jpeg: bytes(range(256)) * 40, 415, "not-an-image"),
    "truncated": (lambda jpeg: jpeg[: len(jpeg) // 2], 422, "image-truncated"),
    "header alone": (lambda jpeg: jpeg[:3], 422, "image-truncated"),
    "huge": (lambda jpeg: huge_png(), 413, "image-too-large"),
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", UNUSABLE)
def test_unusable_files_are_told_in_a_sentence(
    client: TestClient, photos: list[DrawnPhoto], route: str, name: str
) -> None:
    spoil, status, slug = UNUSABLE[name]
    answer = client.post(route, files={"file": ("photo.jpg", spoil(photos[0].data), "image/jpeg")})
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["type"]) == (status, status, f"urn:similook:problem:{slug}")
    assert body["detail"].endswith(".")
    assert "Traceback" not in answer.text
    assert body["request_id"] == answer.headers["x-request-id"]


def animated(picture: Image.Image) -> bytes:
    other = Image.new("RGB", picture.size, "black")
    return encoded(picture, "GIF", save_all=True, append_images=[other, other])


def with_alpha(picture: Image.Image) -> Image.Image:
    """Return the picture with its white ground made transparent, so that it is the same once it lies on white."""
    rgba = picture.convert("RGBA")
    pixels = [(r, g, b, 0 if min(r, g, b) > 250 else 255) for r, g, b, _ in rgba.get_flattened_data()]
    rgba.putdata(pixels)
    return rgba


USABLE: dict[str, Callable[[Image.Image], bytes]] = {
    "png": lambda picture: encoded(picture, "PNG"),
    "webp": lambda picture: encoded(picture, "WEBP", quality=90),
    "heic": lambda picture: encoded(picture, "HEIF", quality=90),
    "cmyk": lambda picture: encoded(picture.convert("CMYK"), "JPEG", quality=92),
    "grey": lambda picture: encoded(picture.convert("L"), "JPEG", quality=92),
    "16 bit": lambda picture: encoded(
        picture.convert("L").convert("I").point(lambda v: v * 257).convert("I;16"), "PNG"
    ),
    "palette": lambda picture: encoded(picture.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
    "palette with alpha": lambda picture: encoded(with_alpha(picture).quantize(), "PNG"),
    "alpha": lambda picture: encoded(with_alpha(picture), "PNG"),
    "animated gif": animated,
}


@pytest.fixture(scope="module")
def picture(photos: list[DrawnPhoto]) -> Image.Image:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return Image.open(io.BytesIO(photos[0].data)).convert("RGB")


@pytest.mark.parametrize("name", USABLE)
def test_every_way_of_storing_a_picture_is_read(client: TestClient, picture: Image.Image, name: str) -> None:
    answer = client.post(URL, files={"file": ("photo", USABLE[name](picture))})
    assert answer.status_code == 200, answer.text
    assert len(SimilarAnswer.model_validate_json(answer.content).similar_products) == 10


@pytest.mark.parametrize("name", ["png", "webp", "cmyk", "alpha"])
def test_it_is_the_same_picture_however_it_is_stored(
    client: TestClient, photos: list[DrawnPhoto], picture: Image.Image, name: str
) -> None:
    answer = client.post(URL, files={"file": ("photo", USABLE[name](picture))})
    assert answer.json()["similar_products"][0]["product_id"] == photos[0].product_id


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_seen_upright(
    client: TestClient, photos: list[DrawnPhoto], picture: Image.Image, orientation: int
) -> None:
    """Store the pixels as a camera held that way would; the crop counts on the upright picture."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = picture.transpose(undo[orientation]) if orientation in undo else picture
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    crop = {"crop": "0,0,1,0.9"}
    turned = client.post(URL, files={"file": encoded(stored, "PNG", exif=exif)}, data=crop).json()
    plain = client.post(URL, files={"file": encoded(picture, "PNG")}, data=crop).json()
    assert turned["similar_products"] == plain["similar_products"]


@pytest.fixture(scope="module")
def small_limit(settings: Settings) -> Iterator[TestClient]:
    """Return a client of a service that takes uploads of up to 0.2 MB."""
    limited = settings.model_copy(update={"max_upload_mb": 0.2})
    with TestClient(create_app(limited), raise_server_exceptions=False) as client:
        yield client


def test_a_body_over_the_limit(small_limit: TestClient) -> None:
    answer = small_limit.post(URL, files={"file": b"\xff\xd8\xff" + bytes(300_000)})
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:similook:problem:upload-too-large"
    assert answer.json()["detail"] == "The upload is larger than 0.2 MB; send a smaller photo."


@pytest.mark.parametrize("declared", [None, "10"])
def test_a_body_over_the_limit_that_does_not_say_so(small_limit: TestClient, declared: str | None) -> None:
    """Neither a missing nor a false Content-Length opens the door."""
    boundary = b"x" * 20
    head = b"--" + boundary + b'\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'

    def pieces() -> Iterator[bytes]:
        yield head
        for _ in range(40):
            yield bytes(10_000)
        yield b"\r\n--" + boundary + b"--\r\n"

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary.decode()}"}
    if declared:
        headers["Content-Length"] = declared
    answer = small_limit.post(URL, content=pieces(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:similook:problem:upload-too-large"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"", "multipart/form-data"),
        (b"garbage", "multipart/form-data; boundary=abc"),
        (b"--abc\r\nContent-Disposition: form-data; name=", "multipart/form-data; boundary=abc"),
        (b'{"file": "x"}', "application/json"),
        (b"file=x", "application/x-www-form-urlencoded"),
        (b"\xff\xfe\x00", "text/plain"),
    ],
)
def test_bodies_that_are_no_upload(client: TestClient, content: bytes, content_type: str) -> None:
    answer = client.post(URL, content=content, headers={"Content-Type": content_type})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_text_where_the_photo_belongs(client: TestClient) -> None:
    answer = client.post(URL, data={"file": "photo.jpg"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
