"""The HTML of the page's own elements. Every word that comes from a catalogue passes through `html.escape` here."""

from collections.abc import Sequence
from html import escape
from urllib.parse import quote, urljoin, urlsplit

from Frontend import formats
from Frontend.answers import OWN_PICTURES, SimilarProduct
from Frontend.texts import Language, Texts

SKELETON_CARDS = 8


def web_url(url: str | None, base: str = "") -> str | None:
    """Return an http(s) URL that may stand in a page, or None: `javascript:` and its kind never get there.

    Args:
        base: What a relative URL is relative to; empty: relative URLs are not accepted.
    """
    if not url:
        return None
    try:
        whole = urljoin(base + "/", url) if base else url
        parts = urlsplit(whole)
    except ValueError:
        return None
    return whole if parts.scheme in ("http", "https") and parts.netloc else None


def picture_url(url: str | None, api_url: str, browser_api_url: str) -> str | None:
    """Return a picture's URL as a browser reaches it.

    Args:
        url: As the service gave it: absolute, or a path of the service.
        api_url: Where the page reaches the service, which a browser may not.
        browser_api_url: Where a browser reaches the service.
    """
    if url and url.startswith(api_url + "/"):
        url = url.removeprefix(api_url)
    return web_url(url, browser_api_url)


def small(url: str, width: int) -> str:
    """Return the address of a smaller version where the service makes one; a shop's own picture stays what it is.

    Args:
        width: 160, 320 or 640 px on the longest side.
    """
    return f"{url}?w={width}" if is_own(url) and "?" not in url else url


def is_own(url: str) -> bool:
    """Return whether a picture is kept by the service; a shop's own address stands in until it is fetched."""
    return OWN_PICTURES in urlsplit(url).path


def css_url(url: str) -> str:
    """Return a URL as a CSS `url("...")`; nothing in it can end the string or the style element."""
    return f'url("{quote(url, safe=":/?#&=%~-._,;@+")}")'


def grid(
    products: Sequence[SimilarProduct], texts: Texts, language: Language, api_url: str, browser_api_url: str
) -> str:
    """Return the results as a list of cards.

    Args:
        api_url: see `picture_url`; likewise browser_api_url.
    """
    items = "".join(
        f"<li>{card(product, texts, language, picture_url(product.image_url, api_url, browser_api_url))}</li>"
        for product in products
    )
    return f'<ul class="sl-grid">{items}</ul>'


def card(product: SimilarProduct, texts: Texts, language: Language, picture: str | None) -> str:
    """Return one product: picture, similarity, brand, name, price; a link to the shop when it has one.

    Args:
        picture: URL for the browser, or None.
    """
    link = web_url(product.product_url)
    name, brand = escape(product.name), escape(product.brand or "")
    similarity = formats.percent(product.similarity_score)
    inside = "".join(
        (
            f'<span class="sl-picture">{_picture(picture, texts)}',
            f'<span class="sl-score" title="{escape(texts.similarity.format(percent=similarity))}">'
            f'<span class="sl-hidden">{escape(texts.similarity.format(percent=""))}</span>{similarity}</span>',
            "" if product.in_stock else f'<span class="sl-sold-out">{escape(texts.sold_out)}</span>',
            "</span>",
            f'<span class="sl-brand">{brand}</span>' if brand else "",
            f'<span class="sl-name">{name}</span>',
            price_line(product, texts, language),
        )
    )
    classes = "sl-card" if product.in_stock else "sl-card sl-gone"
    if link is None:
        return f'<div class="{classes}">{inside}</div>'
    return (
        f'<a class="{classes}" href="{escape(link)}" target="_blank" rel="noopener noreferrer">{inside}'
        f'<span class="sl-hidden"> ({escape(texts.opens_new_tab)})</span></a>'
    )


def price_line(product: SimilarProduct, texts: Texts, language: Language) -> str:
    """Return what is paid, and beside it the list price struck through and the discount; empty without a price."""
    paid = product.final_price if product.final_price is not None else product.price
    if paid is None or not product.currency:
        return ""
    paid_text = escape(formats.price(paid, product.currency, language))
    if product.price is None or product.price <= paid:
        return f'<span class="sl-price"><span class="sl-paid">{paid_text}</span></span>'
    listed = escape(formats.price(product.price, product.currency, language))
    now, before = (f'<span class="sl-hidden">{escape(word)} </span>' for word in (texts.price_now, texts.price_before))
    return (
        f'<span class="sl-price"><span class="sl-paid sl-sale">{now}{paid_text}</span> <del>{before}{listed}</del>'
        f' <span class="sl-off">−{formats.percent(product.discount_rate / 100)}</span></span>'
    )


def skeleton(label: str, count: int = SKELETON_CARDS) -> str:
    """Return grey cards that hold the place of results on their way."""
    item = (
        '<li aria-hidden="true"><span class="sl-card sl-loading"><span class="sl-picture"></span>'
        '<span class="sl-brand"></span><span class="sl-name"></span></span></li>'
    )
    return f'<p class="sl-hidden" role="status">{escape(label)}</p><ul class="sl-grid">{item * count}</ul>'


def masthead(texts: Texts, language: Language) -> str:
    """Return the name of the page, which leads back to its start, and the way to the other page."""
    return (
        f'<div class="sl-masthead"><a class="sl-wordmark" href="./?language={language}" target="_self">Similook</a>'
        f'<span class="sl-tagline">{escape(texts.tagline)}</span>'
        f'<a class="sl-to-catalogue" href="./catalogue?language={language}" target="_self">'
        f"{escape(texts.to_catalogue)}</a></div>"
    )


def hero(texts: Texts) -> str:
    """Return the sentence that a visitor is met with."""
    return f'<div class="sl-hero"><h1>{escape(texts.hero_title)}</h1><p>{escape(texts.hero_text)}</p></div>'


def sample_styles(pictures: Sequence[str]) -> str:
    """Return the style that puts pictures on the sample buttons.

    Args:
        pictures: One URL per button, in order.
    """
    rules = "".join(
        f".st-key-sample-{index} button{{background-image:{css_url(small(url, 640))}}}"
        for index, url in enumerate(pictures)
    )
    return f"<style>{rules}</style>"


def upload_styles(texts: Texts) -> str:
    """Return the style that puts the page's words on Streamlit's upload and camera fields, which know English only."""
    return (
        f"<style>.stApp{{--sl-upload-button:{css_string(texts.upload_button)};"
        f"--sl-upload-drop:{css_string(texts.upload_drop)};"
        f"--sl-camera-button:{css_string(texts.camera_button)}}}</style>"
    )


def canvas_styles(width: int) -> str:
    """Return the style that makes the crop canvas's frame as wide as the canvas.

    Args:
        width: In CSS pixels.
    """
    return f"<style>.stApp{{--sl-canvas:{width}px}}</style>"


def css_string(text: str) -> str:
    """Return text as a CSS string; nothing in it can end the string or the style element."""
    unsafe = "\\\"'<>\n\r\f&"
    return '"' + "".join(f"\\{ord(letter):x} " if letter in unsafe else letter for letter in text) + '"'


def message(kind: str, title: str, detail: str = "") -> str:
    """Return a note to the reader.

    Args:
        kind: `error` (announced at once), `note` or `empty`.
    """
    role = "alert" if kind == "error" else "status"
    more = f"<span>{escape(detail)}</span>" if detail else ""
    return f'<div class="sl-message sl-{kind}" role="{role}"><strong>{escape(title)}</strong>{more}</div>'


def _picture(url: str | None, texts: Texts) -> str:
    """Return the picture, or what stands in for one. Its alternative text is empty: the name stands right below."""
    if url is None:
        return f'<span class="sl-no-picture">{escape(texts.no_picture)}</span>'
    sizes = ""
    if small(url, 320) != url:
        sizes = (
            f' srcset="{escape(small(url, 320))} 320w, {escape(small(url, 640))} 640w"'
            ' sizes="(max-width: 640px) 46vw, (max-width: 859px) 30vw, 200px"'
        )
    return f'<img src="{escape(url)}"{sizes} alt="" loading="lazy" decoding="async">'


def results_head(title: str, seen: str, count: str) -> str:
    """Return the line above the results: their title, what the garment is taken for, how many are shown."""
    return (
        f'<div class="sl-results-head"><h2>{escape(title)}</h2><span class="sl-seen">{escape(seen)}</span>'
        f'<span class="sl-count">{escape(count)}</span></div>'
    )
