"""The page's HTML: what is in it, and what a hostile catalogue cannot put into it."""

from html.parser import HTMLParser

import pytest

from Frontend import cards
from Frontend.answers import SimilarProduct
from Frontend.texts import ENGLISH, KOREAN
from tests.frontend.standin import product

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class Tags(HTMLParser):
    """Collects the tags, attributes and visible text of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def made(**changes: object) -> SimilarProduct:
    """Return a product with some fields changed."""
    return SimilarProduct.model_validate(product(0, "dress", **changes))


def test_a_card_links_to_the_product_in_a_new_tab() -> None:
    html = Tags(cards.card(made(), ENGLISH, "en", "http://shop.test/i.jpg"))
    (link,) = [attributes for tag, attributes in html.tags if tag == "a"]
    assert link["href"] == "https://example.com/products/dress-0"
    assert (link["target"], link["rel"]) == ("_blank", "noopener noreferrer")
    for words in ("Halden", "Dress number 0", "€15.00", "€20.00", "−25%", "95%"):
        assert words in html.text
    assert "del" in [tag for tag, _ in html.tags]


def test_script_in_any_field_is_text() -> None:
    hostile = made(name=SCRIPT, brand=SCRIPT, currency=SCRIPT, product_url="https://x.test/" + SCRIPT, in_stock=False)
    html = Tags(cards.card(hostile, ENGLISH, "en", "https://x.test/" + SCRIPT))
    assert {tag for tag, _ in html.tags} == {"a", "span", "img", "del"}
    assert not any(name.startswith("on") for _, attributes in html.tags for name in attributes)
    assert html.text.count(SCRIPT) == 4  # name, brand, and the currency of both prices


@pytest.mark.parametrize("link", [None, "", "javascript:alert(1)", "data:text/html,x", "/relative", "http://[broken"])
def test_no_link_without_a_web_address(link: str | None) -> None:
    assert "a" not in [tag for tag, _ in Tags(cards.card(made(product_url=link), ENGLISH, "en", None)).tags]


def test_what_a_catalogue_lacks_is_left_out() -> None:
    bare = made(brand=None, price=None, final_price=None, currency=None, discount_rate=0)
    html = cards.card(bare, ENGLISH, "en", None)
    assert "sl-brand" not in html
    assert "sl-price" not in html
    assert ENGLISH.no_picture in html


def test_a_price_without_discount_is_one_price() -> None:
    assert "<del" not in cards.price_line(made(price=20.0, final_price=20.0), ENGLISH, "en")
    assert "20,000원" in cards.price_line(made(price=20000, final_price=None, currency="KRW"), KOREAN, "ko")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("/api/images/1", "https://public.test/api/images/1"),
        ("http://backend:8000/api/images/1", "https://public.test/api/images/1"),
        ("https://cdn.test/1.jpg", "https://cdn.test/1.jpg"),
        ("javascript:alert(1)", None),
        (None, None),
    ],
)
def test_pictures_get_an_address_that_a_browser_reaches(given: str | None, shown: str | None) -> None:
    assert cards.picture_url(given, "http://backend:8000", "https://public.test") == shown


def test_the_services_pictures_are_asked_for_small() -> None:
    html = cards.card(made(), ENGLISH, "en", "https://public.test/api/images/1")
    assert "https://public.test/api/images/1?w=320 320w" in html
    assert "srcset" not in cards.card(made(), ENGLISH, "en", "https://cdn.test/1.jpg")


def test_nothing_ends_a_style_element() -> None:
    hostile = 'https://x.test/"</style><script>alert(1)</script>)\\'
    assert cards.sample_styles([hostile]).count("<") == 2
    assert cards.css_string('a"\\</style>').count("<") == 0
