"""The real service and the real page on free ports, a browser, and a photo to search with."""

import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, ViewportSize, sync_playwright

from Backend.samples import prepare
from Backend.services import open_catalogue
from Backend.settings import Settings
from tests.e2e.canvas import in_frame_colour
from tests.e2e.recorder import Recorder, recording
from tests.e2e.shop import Shop, Visit, open_to_visitors

PER_CLASS = 2
RARE = 0.0005
HOSTILE_NAME = '<script>document.title="taken over"</script><img src=x onerror="document.title=`taken over`">'
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=844)
READY_S = 90


@dataclass
class Service:
    """The service as a process of its own that can be stopped and started again."""

    data_dir: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = [sys.executable, "-m", "Backend.cli", "serve", "--data-dir", str(self.data_dir)]
        self.process = _start([*command, "--port", str(self.port)], {"SIMILOOK_THREADS": "1"})
        _wait_for(f"http://127.0.0.1:{self.port}/readyz", self.process)

    def stop(self) -> None:
        """Stop it and wait until nobody answers."""
        if self.process is not None:
            _stop(self.process)
        self.process = None


@dataclass(frozen=True)
class Site:
    """Everything that runs.

    Attributes:
        url: The page's address.
        recorder: What the page sent to the service.
        hostile: (product_id, picture) of a product whose name is an attack.
    """

    url: str
    recorder: Recorder
    service: Service
    hostile: tuple[str, bytes]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start a browser with a fresh profile. Without one: fail in CI, skip elsewhere."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        message = "no Chromium here; on Debian: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    playwright: Playwright
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=BROWSER_FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def site(browser: Browser, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start the page, the service on a small drawn catalogue, and the recorder between them."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("similook"), threads=1)
    service = Service(settings.data_dir, _free_port())
    port = _free_port()
    with recording(service.port) as recorder:
        options = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.fileWatcherType", "none"]
        page = _start(
            [sys.executable, "-m", "streamlit", "run", "demo.py", *options],
            {"SIMILOOK_API_URL": recorder.url, "SIMILOOK_API_RETRIES": "0", "SIMILOOK_LANGUAGE": "en"},
            repository / "Frontend",
        )
        try:
            prepare(settings, lambda text: None, per_class=PER_CLASS)
            hostile = _make_hostile(settings)
            service.start()
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", page)
            yield Site(f"http://127.0.0.1:{port}", recorder, service, hostile)
        finally:
            _stop(page)
            service.stop()


@pytest.fixture
def desktop(browser: Browser, site: Site) -> Iterator[Page]:
    """Open the page on a desktop screen."""
    context = browser.new_context(viewport=DESKTOP, locale="en-GB")
    yield _opened(context, site)
    context.close()


@pytest.fixture
def phone(browser: Browser, site: Site) -> Iterator[Page]:
    """Open the page on a phone."""
    context = browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True, device_scale_factor=2, locale="en-GB")
    yield _opened(context, site)
    context.close()


@pytest.fixture(scope="session")
def shop(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Serve a shop's page on one port and the service, which knows the shop's origin, on another."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("similook"), threads=1)
    prepare(settings, lambda text: None, per_class=PER_CLASS)
    with open_catalogue(settings) as catalogue:
        first, second, *_ = catalogue.page(10).products
        attack = {"name": HOSTILE_NAME, "brand": HOSTILE_NAME, "colour": HOSTILE_NAME[:60]}
        catalogue.upsert([second.model_copy(update=attack)])
    picture = next(settings.data_dir.glob(f"sample/images/{first.product_id}.*")).read_bytes()
    service = Service(settings.data_dir, _free_port())
    made = Shop(f"http://127.0.0.1:{service.port}", first.product_id, picture, second.product_id)
    with open_to_visitors(made):
        try:
            with pytest.MonkeyPatch.context() as environment:
                environment.setenv("SIMILOOK_CORS_ORIGINS", made.url.rstrip("/"))
                service.start()
            yield made
        finally:
            service.stop()


@pytest.fixture(params=["desktop", "phone"])
def visit(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Visit]:
    """Open an empty page on a desktop screen, and on a phone."""
    if request.param == "desktop":
        context = browser.new_context(viewport=DESKTOP, locale="en-GB")
    else:
        context = browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)
    yield Visit(context.new_page())
    context.close()


@pytest.fixture(scope="session")
def photo(site: Site) -> bytes:
    """Return a real photo as a JPEG, or a drawn picture where the public sets are missing."""
    shared = Path(os.environ.get("SIMILOOK_SHARED_DIR", Path(__file__).resolve().parents[3] / "shared"))
    archive = shared / "data" / "clothing-dataset.tar"
    if not archive.is_file():
        return site.hostile[1]
    with tarfile.open(archive) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.name.endswith(".jpg") else None
            if file is None:
                continue
            data = file.read()
            image = Image.open(io.BytesIO(data)).convert("RGB")
            # The frame is found on the screen by its colour, which the photo itself should hardly have.
            if image.height > image.width >= 300 and in_frame_colour(np.asarray(image)).mean() < RARE:
                return data
    raise AssertionError("no photo to try with in clothing-dataset.tar")


def _opened(context: BrowserContext, site: Site) -> Page:
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(site.url)
    page.locator(".sl-hero").wait_for()
    site.recorder.searches.clear()
    return page


def _make_hostile(settings: Settings) -> tuple[str, bytes]:
    """Give a product of the catalogue a name that attacks the page; return its id and picture."""
    with open_catalogue(settings) as catalogue:
        product = next(iter(catalogue.iterate()))
        catalogue.upsert([product.model_copy(update={"name": HOSTILE_NAME, "brand": HOSTILE_NAME})])
    picture = next(settings.data_dir.glob(f"sample/images/{product.product_id}.*"))
    return product.product_id, picture.read_bytes()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(command: list[str], environment: dict[str, str], folder: Path | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, cwd=folder, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process answers."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        assert process.poll() is None, f"the process behind {url} ended with {process.returncode}"
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(f"{url} did not answer within {READY_S} s")
