"""The main job in a real browser: upload, drag the crop, get products, follow one, filter, and a service that stops."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from Frontend.texts import ENGLISH, KOREAN
from Model.preprocess import crop, decode
from tests.e2e import canvas
from tests.e2e.conftest import HOSTILE_NAME, PER_CLASS, Site
from tests.e2e.recorder import Form

pytestmark = pytest.mark.browser
CARD = ".sl-grid .sl-card:not(.sl-loading)"
ROUNDING = 1.5  # canvas pixels: of the box to whole pixels of the photo, and of the canvas to those of the screen
EDGE = 9  # canvas pixels of frame and handles that cover the picture
ASIDE = 4


def hand_over(page: Page, data: bytes) -> None:
    """Upload a photo and wait for products."""
    page.locator("input[type=file]").set_input_files({"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": data})
    page.locator(CARD).first.wait_for()


def next_search(page: Page, site: Site, known: int) -> Form:
    """Return the newest search once there are more than were known."""
    for _ in range(150):
        if len(site.recorder.searches) > known:
            page.locator(CARD).first.wait_for()
            return site.recorder.searches[-1]
        page.wait_for_timeout(100)
    raise AssertionError("no search was sent")


def assert_is_what_was_shown(sent: Form, shown: canvas.Shown, upright_size: tuple[int, int]) -> None:
    """Assert that the service got the pixels inside the frame on the screen.

    Once by numbers: the crop is where the frame is, to the pixel that rounding takes. Once by sight: what the service
    itself cuts out of the photo it got looks like the inside of the frame, and less like it a few pixels to any side.
    """
    height, width = shown.pixels.shape[:2]
    scale_x, scale_y = width / upright_size[0], height / upright_size[1]
    x, y, w, h = sent.crop
    np.testing.assert_allclose(
        (x * scale_x, y * scale_y, (x + w) * scale_x, (y + h) * scale_y), shown.box, atol=ROUNDING
    )
    assert sent.photo is not None
    left, top, right, bottom = shown.box
    got = crop(decode(sent.photo), sent.crop, "px").resize((right - left, bottom - top), Image.Resampling.LANCZOS)
    inside = np.asarray(got).astype(int)[EDGE:-EDGE, EDGE:-EDGE]
    # A frame may lie at the picture's edge: what is looked at beside it goes on as the edge does.
    padded = np.pad(shown.pixels, ((ASIDE, ASIDE), (ASIDE, ASIDE), (0, 0)), mode="edge")

    def difference(dx: int, dy: int) -> float:
        rows, columns = slice(top + dy + ASIDE, bottom + dy + ASIDE), slice(left + dx + ASIDE, right + dx + ASIDE)
        seen = padded[rows, columns][EDGE:-EDGE, EDGE:-EDGE]
        return float(np.abs(seen.astype(int) - inside).mean())

    here = difference(0, 0)
    assert here < 8
    assert all(here < difference(dx, dy) for dx, dy in ((-ASIDE, 0), (ASIDE, 0), (0, -ASIDE), (0, ASIDE)))


def test_photo_in_products_out(desktop: Page, site: Site, photo: bytes) -> None:
    hand_over(desktop, photo)
    size = Image.open(io.BytesIO(photo)).size
    (first,) = site.recorder.searches
    assert first.photo == photo
    assert_is_what_was_shown(first, canvas.look(desktop), size)

    box = canvas.look(desktop).box
    canvas.drag_by_mouse(desktop, (box[2] - 2, box[3] - 2), (box[2] - 47, box[3] - 61))
    second = next_search(desktop, site, 1)
    shown = canvas.look(desktop)
    assert (shown.box[2], shown.box[3]) == pytest.approx((box[2] - 45, box[3] - 59), abs=3)
    assert_is_what_was_shown(second, shown, size)

    expect(desktop.locator(CARD)).to_have_count(24)
    picture = desktop.locator(f"{CARD} img").first
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0

    desktop.context.route("https://example.com/**", lambda route: route.fulfill(body="<h1>The product</h1>"))
    link = desktop.locator(CARD).first
    with desktop.context.expect_page() as opened:
        link.click()
    product = opened.value
    expect(product.locator("h1")).to_have_text("The product")
    assert product.url == link.get_attribute("href")
    assert product.evaluate("window.opener") is None
    product.close()

    desktop.get_by_role("button", name=ENGLISH.filters).click()
    desktop.get_by_role("button", name=ENGLISH.categories["skirt"], exact=True).click()
    filtered = next_search(desktop, site, 2)
    assert filtered.photo is None
    assert filtered.fields["category"] == ["skirt"]
    expect(desktop.locator(CARD)).to_have_count(PER_CLASS)
    assert canvas.look(desktop).box == shown.box  # the frame stayed where it was dragged


def test_a_frame_dragged_over_the_edges_is_cut_at_the_edges(desktop: Page, site: Site, photo: bytes) -> None:
    hand_over(desktop, photo)
    size = Image.open(io.BytesIO(photo)).size
    left, top, right, bottom = canvas.look(desktop).box
    canvas.drag_by_mouse(desktop, ((left + right) / 2, (top + bottom) / 2), ((left + right) / 2 - right + 60, top + 30))
    x, y, width, _ = next_search(desktop, site, 1).crop
    assert x == 0
    assert width * canvas.look(desktop).pixels.shape[1] / size[0] == pytest.approx(60, abs=2)
    assert 0 <= y < size[1]


def test_on_a_phone_by_touch(phone: Page, site: Site, photo: bytes) -> None:
    upright = Image.open(io.BytesIO(photo)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # as phones store it: lying on its side, with a note
    out = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(out, "JPEG", exif=exif, quality=92)
    hand_over(phone, out.getvalue())
    assert_is_what_was_shown(site.recorder.searches[0], canvas.look(phone), upright.size)

    place = phone.locator(".st-key-search iframe").bounding_box()
    assert place is not None
    assert place["x"] >= 0
    assert place["x"] + canvas.look(phone).pixels.shape[1] <= 390
    main = phone.locator("[data-testid=stMain]")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    tops = [phone.locator(CARD).nth(at).bounding_box() for at in range(3)]
    assert [tops[0]["y"] == top["y"] for top in tops if top and tops[0]] == [True, True, False]  # two in a row

    box = canvas.look(phone).box
    canvas.drag_by_finger(phone, (box[0] + 2, box[1] + 2), (box[0] + 42, box[1] + 50))
    sent = next_search(phone, site, 1)
    shown = canvas.look(phone)
    assert shown.box[:2] == pytest.approx((box[0] + 40, box[1] + 48), abs=3)
    assert_is_what_was_shown(sent, shown, upright.size)


def test_catalogue_text_cannot_do_anything(desktop: Page, site: Site) -> None:
    hand_over(desktop, site.hostile[1])
    card = desktop.locator(CARD).filter(has_text="<script>").first
    expect(card.locator(".sl-name")).to_have_text(HOSTILE_NAME)
    assert desktop.title() == "Similook"
    assert card.locator("script").count() == 0


def test_a_sample_in_korean(desktop: Page, site: Site) -> None:
    desktop.get_by_text("한국어").click()
    expect(desktop.locator("h1")).to_have_text(KOREAN.hero_title)
    desktop.get_by_role("button", name=KOREAN.categories["dress"]).click()
    desktop.locator(CARD).first.wait_for()
    expect(desktop.locator(".sl-results-head h2")).to_have_text(KOREAN.results_title)
    assert "language=ko" in desktop.url
    assert len(site.recorder.searches) == 1


def test_a_service_that_stops_is_told_and_found_again(desktop: Page, site: Site, photo: bytes) -> None:
    hand_over(desktop, photo)
    site.service.stop()
    try:
        desktop.get_by_role("button", name=ENGLISH.filters).click()
        desktop.get_by_role("button", name=ENGLISH.categories["bag"], exact=True).click()
        expect(desktop.get_by_role("alert")).to_contain_text(ENGLISH.error_down)
        desktop.keyboard.press("Escape")
    finally:
        site.service.start()
    desktop.get_by_role("button", name=ENGLISH.retry).click()
    expect(desktop.locator(CARD)).to_have_count(PER_CLASS)
    assert site.recorder.searches[-1].photo is None
