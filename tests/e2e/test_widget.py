"""The widget in a shop's page of another origin, under a strict policy, driven in a real browser."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import HOSTILE_NAME
from tests.e2e.shop import CARD, Shop, Visit, answer_with, faults, product, until

pytestmark = pytest.mark.browser
RECORD_FIELDS = """() => { globalThis.sent = {};
const append = FormData.prototype.append;
FormData.prototype.append = function (name, ...rest) { sent[name] = rest[0]; append.call(this, name, ...rest) } }"""

LATE_PHOTOS = """() => { globalThis.photos = {}; const read = createImageBitmap;
globalThis.createImageBitmap = async (file, ...rest) => {
  if (file.name.startsWith('slow')) await new Promise(resolve => { photos[file.name] = resolve });
  return read(file, ...rest) } }"""
"""A photo whose name begins with "slow" is read only when its entry in `photos` is called."""


def test_starts_by_itself_from_another_origin(visit: Visit, shop: Shop) -> None:
    page = visit.page
    page.context.add_cookies([{"name": "known", "value": "1", "url": shop.api}])
    page.goto(shop.url)
    expect(page.locator(CARD)).to_have_count(6)
    page.locator(".siw-picture img").first.scroll_into_view_if_needed()
    until(page, "[...document.images].slice(0, 2).every(image => image.naturalWidth > 0)")
    assert visit.complaints == []
    asked = next(request for request in visit.requests if "/api/recommendations/" in request.url)
    assert f"/similar-images/{shop.product_id}/?limit=6&min_similarity=0.1" in asked.url
    assert "cookie" not in asked.all_headers()
    assert page.evaluate("document.querySelectorAll('script:not([src]), style, [style]').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults(visit) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_contrast(visit: Visit, shop: Shop, scheme: Any) -> None:
    page = visit.page
    page.emulate_media(color_scheme=scheme)
    answer_with(page, shop, [product(similarity_score=score) for score in (0.95, 0.7, 0.3)])
    page.goto(shop.url)
    expect(page.locator(CARD)).to_have_count(3)
    assert faults(visit) == []
    page.get_by_role("button", name="Search by photo").click()
    assert faults(visit) == []


def test_layout_does_not_move(visit: Visit, shop: Shop) -> None:
    page = visit.page
    answer_with(page, shop, [product()] * 6)
    page.add_init_script(
        "globalThis.moved = 0; new PerformanceObserver(list => { for (const entry of list.getEntries())"
        " moved += entry.value }).observe({type: 'layout-shift', buffered: true})"
    )
    page.goto(shop.url)
    expect(page.locator(CARD)).to_have_count(6)
    page.wait_for_timeout(300)
    assert page.evaluate("moved") < 0.02


def test_script_in_every_field_is_text(visit: Visit, shop: Shop) -> None:
    page = visit.page
    keys = ["product_id", "name", "brand", "category", "category_slug", "image_url", "product_url", "price", "currency"]
    keys += ["discount_rate", "final_price", "similarity_score", "distance", "match_probability", "band", "colour"]
    links = ["javascript:document.title='taken over'", "data:text/html,<script>opener.document.title=1</script>"]
    hostile = [
        product(**dict.fromkeys(keys, HOSTILE_NAME)),
        *(product(product_url=link, image_url=link) for link in links),
    ]
    answer_with(page, shop, hostile)
    page.goto(shop.url)
    expect(page.locator(".siw-name").first).to_have_text(HOSTILE_NAME)
    expect(page.locator(".siw-brand").first).to_have_text(HOSTILE_NAME)
    assert page.locator(".siw script, .siw-name *, .siw-brand *, .siw [onerror]").count() == 0
    assert page.locator("a.siw-card:not([href^='http'])").count() == 0
    assert page.locator("div.siw-card").count() == 2
    assert page.title() == "A shop"


def test_a_hostile_name_of_the_catalogue_is_text(visit: Visit, shop: Shop) -> None:
    page = visit.page
    page.goto(f"{shop.api}/widget?product_id={shop.hostile_id}")
    expect(page.locator(".lead strong")).to_have_text(HOSTILE_NAME)
    page.goto(shop.url)
    expect(page.locator(".siw-name", has_text=HOSTILE_NAME)).to_have_count(1)
    assert page.title() == "A shop"


def test_badges_and_prices(visit: Visit, shop: Shop) -> None:
    page = visit.page
    scores = (0.8, 0.799999, 0.6, 0.599999)
    won = product(price=79000, final_price=79000, discount_rate=0, currency="KRW", product_url=None)
    answer_with(page, shop, [*(product(similarity_score=score) for score in scores), won])
    page.goto(shop.url + f"ko/{shop.product_id}")
    expect(page.locator(CARD)).to_have_count(5)
    levels = [page.locator(".siw-badge").nth(place).get_attribute("class") for place in range(4)]
    assert [str(level).split()[-1] for level in levels] == ["siw-high", "siw-medium", "siw-medium", "siw-low"]
    expect(page.locator(".siw-badge").first).to_contain_text("유사도 80%, 높음")
    expect(page.locator(".siw-price").first).to_have_text("판매가 €60.00 정가 €80.00 −25%")
    expect(page.locator(".siw-price").last).to_have_text("₩79,000")
    expect(page.locator("section.siw")).to_have_attribute("lang", "ko")
    expect(page.locator("div.siw-card")).to_have_count(1)  # nowhere to go: no link


@pytest.mark.parametrize(
    ("status", "sentence"), [(500, "Similar pieces cannot be shown right now."), (503, "Many people are searching.")]
)
def test_failure_offers_another_try(visit: Visit, shop: Shop, status: int, sentence: str) -> None:
    page = visit.page
    answer_with(page, shop, [], status)
    page.goto(shop.url)
    expect(page.get_by_role("status").filter(has_text=sentence)).to_be_visible()
    assert faults(visit) == []
    page.unroute_all()
    page.get_by_role("button", name="Try again").focus()
    page.keyboard.press("Enter")
    expect(page.locator(CARD)).to_have_count(6)


def test_nothing_similar_is_said(visit: Visit, shop: Shop) -> None:
    page = visit.page
    answer_with(page, shop, [])
    page.goto(shop.url)
    expect(page.get_by_role("status").filter(has_text="Nothing similar enough was found.")).to_be_visible()
    page.unroute_all()
    page.goto(shop.url + "en/no-such-product")
    expect(page.get_by_role("status").filter(has_text="Nothing similar enough was found.")).to_be_visible()


def test_the_merely_nearest_are_called_that(visit: Visit, shop: Shop) -> None:
    page = visit.page
    answer_with(page, shop, [product(band="inspired")] * 2)
    page.goto(shop.url)
    expect(page.get_by_role("status").filter(has_text="These come closest.")).to_be_visible()
    expect(page.locator(CARD)).to_have_count(2)
    page.unroute_all()
    answer_with(page, shop, [product(band="similar")])
    page.goto(shop.url)
    expect(page.locator(".siw-shelf [role=status]").first).to_have_text("1 similar piece")


def test_by_hand_the_page_names_the_product(visit: Visit, shop: Shop) -> None:
    page = visit.page
    page.goto(shop.url)
    expect(page.locator(CARD)).to_have_count(6)
    page.evaluate("new SimilarImagesWidget({ limit: 2, minSimilarity: 0 }).init()")
    expect(page.locator(CARD)).to_have_count(2)
    page.evaluate("document.querySelector('meta[name=product-id]').remove()")
    said = page.evaluate("try { new SimilarImagesWidget({}).init() } catch (error) { error.message }")
    assert "name the product" in said


def test_a_search_called_off_leaves_nothing_behind(visit: Visit, shop: Shop) -> None:
    page = visit.page
    page.goto(shop.url)
    page.get_by_role("button", name="Search by photo").click()
    dialog = page.get_by_role("dialog", name="Search by photo")
    with page.expect_response(f"{shop.api}/api/garment-box"):
        choose(page, "photo.png", shop.picture)
    page.route(f"{shop.api}/api/recommendations/similar-images", lambda route: None)  # no answer, ever
    dialog.get_by_role("button", name="Search", exact=True).click()
    expect(dialog.locator(".siw-loading").first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Search by photo").click()
    expect(dialog.locator(".siw-loading")).to_have_count(0)
    expect(dialog.locator(".siw-shelf")).not_to_have_attribute("aria-busy", "true")
    page.unroute_all(behavior="ignoreErrors")
    dialog.get_by_role("button", name="Search", exact=True).click()
    expect(dialog.locator(CARD)).to_have_count(6)


def test_the_photo_chosen_last_is_the_one_shown(visit: Visit, shop: Shop) -> None:
    page = visit.page
    page.goto(shop.url)
    page.get_by_role("button", name="Search by photo").click()
    page.evaluate(LATE_PHOTOS)
    for file in ("slow.png", "photo.png"):
        choose(page, file, shop.picture)
    expect(page.get_by_role("application")).to_be_focused()
    page.evaluate("canvas = document.querySelector('.siw-stage canvas'); canvas.width = 1; photos['slow.png']()")
    page.wait_for_timeout(300)
    assert page.evaluate("canvas.width") == 1, "the slow photo was drawn over the one chosen after it"


def test_a_late_failure_says_nothing_of_the_photo_chosen_last(visit: Visit, shop: Shop) -> None:
    page = visit.page
    page.goto(shop.url)
    page.get_by_role("button", name="Search by photo").click()
    page.evaluate(LATE_PHOTOS)
    choose(page, "slow.png", b"no photo")
    choose(page, "photo.png", shop.picture)
    expect(page.get_by_role("application")).to_be_focused()
    page.evaluate("photos['slow.png']()")
    page.wait_for_timeout(300)
    expect(page.get_by_role("status").filter(has_text="This photo cannot be used.")).to_have_count(0)


def choose(page: Page, name: str, content: bytes) -> None:
    """Choose a photo in the dialog."""
    file = {"name": name, "mimeType": "image/png", "buffer": content}
    page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]


def test_search_by_photo(visit: Visit, shop: Shop) -> None:
    page = visit.page
    page.goto(shop.url)
    expect(page.locator(CARD)).to_have_count(6)
    opener = page.get_by_role("button", name="Search by photo")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Search by photo")
    expect(dialog).to_be_visible()
    assert faults(visit) == []
    with page.expect_response(f"{shop.api}/api/garment-box"):
        choose(page, "photo.png", shop.picture)
    frame = dialog.get_by_role("application")
    expect(frame).to_be_focused()
    page.wait_for_timeout(100)  # the frame goes to the garment
    page.keyboard.press("Shift+ArrowLeft")
    place = "[parseFloat(style.left), parseFloat(style.top), parseFloat(style.width), parseFloat(style.height)]"
    read = f"({{style}}) => {place}"
    before = frame.evaluate(read)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    after = frame.evaluate(read)
    assert after[3] == pytest.approx(before[3] - 2, abs=1e-3)  # the style has four decimals
    assert after[0] == pytest.approx(min(before[0] + 2, 100 - before[2]), abs=1e-3)
    expect(dialog.locator(".siw-stage [role=status]")).to_contain_text("from left")
    assert faults(visit) == []
    drag(page, dialog.locator(".siw-nw"), 30, 20)
    dragged = frame.evaluate(read)
    stage = dialog.locator(".siw-stage").bounding_box()
    assert stage is not None
    assert dragged[0] - after[0] == pytest.approx(3000 / stage["width"], abs=0.6)
    assert dragged[0] + dragged[2] == pytest.approx(after[0] + after[2], abs=1e-3)
    page.evaluate(RECORD_FIELDS)
    dialog.get_by_role("button", name="Search", exact=True).click()
    expect(dialog.locator(CARD)).to_have_count(6)
    crop = [float(part) for part in page.evaluate("sent.crop").split(",")]
    assert crop == pytest.approx([share / 100 for share in dragged], abs=2e-4)
    assert faults(visit) == []
    assert visit.complaints == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def drag(page: Page, handle: Locator, dx: float, dy: float) -> None:
    """Drag the middle of an element by CSS pixels."""
    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up()


def test_a_file_that_is_no_photo(visit: Visit, shop: Shop) -> None:
    page = visit.page
    page.goto(shop.url)
    page.get_by_role("button", name="Search by photo").click()
    choose(page, "photo.png", b"no photo")
    expect(page.get_by_role("status").filter(has_text="This photo cannot be used.")).to_be_visible()


def test_the_page_with_the_code(visit: Visit, shop: Shop) -> None:
    page = visit.page
    page.goto(f"{shop.api}/widget")
    expect(page.locator(CARD).first).to_be_visible()
    expect(page.locator("#snippet")).to_contain_text(f'<script src="{shop.api}/static/similar_images.js" defer>')
    page.evaluate("navigator.clipboard.writeText = async text => { globalThis.copied = text }")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("copied") == page.locator("#snippet").text_content()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert faults(visit) == []
    assert visit.complaints == []
