"""Pictures over TLS, as nearly every shop sends them: the certificate has to be of the name that was asked for."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from Data.crawler import Fetcher, FetchLimits
from Data.errors import FetchFailed
from tests.data.webshop import WebShop, web_shop

PICTURE = b"\xff\xd8\xff" + bytes(500)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return an authority that signs certificates for the tests."""
    return trustme.CA()


@pytest.fixture
def shop(authority: trustme.CA) -> Iterator[WebShop]:
    """Run a shop with a certificate for one name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("pictures.example").configure_cert(context)
    with web_shop(context) as running:
        running.show("/a.jpg", PICTURE)
        yield running


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine trust the authority, as an operator does."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


def fetch(shop: WebShop, host: str) -> bytes | None:
    """Fetch the picture under a name that leads to loopback."""
    limits = FetchLimits(timeout_s=5.0, attempts=1)
    fetcher = Fetcher(limits, allow_private=True, resolve=lambda host, port: ["127.0.0.1"])
    return fetcher.fetch(f"https://{host}:{shop.url.rpartition(':')[2]}/a.jpg").data


@pytest.mark.usefixtures("trusted")
def test_a_picture_comes_over_tls(shop: WebShop) -> None:
    assert fetch(shop, "pictures.example") == PICTURE
    assert shop.calls == ["/a.jpg"]


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_name_is_refused(shop: WebShop) -> None:
    with pytest.raises(FetchFailed, match=r"other\.example .* certificate is not valid"):
        fetch(shop, "other.example")
    assert shop.calls == []


def test_an_authority_that_is_not_trusted_is_refused(shop: WebShop) -> None:
    with pytest.raises(FetchFailed, match=r"pictures\.example .* certificate is not valid"):
        fetch(shop, "pictures.example")
    assert shop.calls == []
