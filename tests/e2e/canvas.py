"""The crop box as a person sees and moves it: read from the pixels on the screen, moved by mouse or finger."""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import FrameLocator, Page

from Frontend.cropper import STROKE_COLOUR

FINGER_STEPS = 6
# How far a channel (0..255) may be from the frame's colour and still be taken for it.
CLOSE = 40


@dataclass(frozen=True)
class Shown:
    """The canvas as it is on the screen.

    Attributes:
        pixels: RGB. Shape: (height, width, 3), in canvas pixels.
        box: Outer edges of the frame: left, top, right, bottom in canvas pixels.
    """

    pixels: npt.NDArray[np.uint8]
    box: tuple[int, int, int, int]


def in_frame_colour(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return where the frame's colour is.

    Args:
        pixels: RGB. Shape: (height, width, 3).
    """
    colour = np.array([int(STROKE_COLOUR[at : at + 2], 16) for at in (1, 3, 5)])
    near: npt.NDArray[np.bool_] = np.abs(pixels.astype(int) - colour).max(axis=2) < CLOSE
    return near


def frame(page: Page) -> FrameLocator:
    """Return the frame that holds the canvas."""
    return page.frame_locator(".st-key-search iframe")


def look(page: Page) -> Shown:
    """Return what the screen shows of the canvas, and where on it the frame's colour stands in long lines."""
    canvas = frame(page).locator("canvas.upper-canvas")
    canvas.wait_for()
    page.wait_for_timeout(600)  # the canvas paints the picture after it was mounted
    # The canvas may stand between two pixels of the screen: then the screenshot has a row too many.
    width, height = canvas.evaluate("canvas => [canvas.width, canvas.height]")
    screen = np.asarray(Image.open(io.BytesIO(canvas.screenshot(scale="css"))).convert("RGB"))
    pixels = screen[:height, :width]
    painted = in_frame_colour(pixels)
    columns, rows = _lines(painted.sum(axis=0)), _lines(painted.sum(axis=1))
    return Shown(pixels, (columns[0], rows[0], columns[1], rows[1]))


def drag_by_mouse(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Select the box with a click in its middle, then drag from one point of the canvas to another."""
    left, top = _origin(page)
    middle = _middle(page)
    page.mouse.click(left + middle[0], top + middle[1])
    page.wait_for_timeout(300)
    page.mouse.move(left + start[0], top + start[1])
    page.mouse.down()
    page.mouse.move(left + (start[0] + end[0]) / 2, top + (start[1] + end[1]) / 2, steps=4)
    page.mouse.move(left + end[0], top + end[1], steps=4)
    page.mouse.up()


def drag_by_finger(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Select the box with a tap in its middle, then drag with real touch events."""
    left, top = _origin(page)
    middle = _middle(page)
    page.touchscreen.tap(left + middle[0], top + middle[1])
    page.wait_for_timeout(300)
    session = page.context.new_cdp_session(page)

    def touch(kind: str, share: float | None) -> None:
        points = []
        if share is not None:
            x = left + start[0] + share * (end[0] - start[0])
            y = top + start[1] + share * (end[1] - start[1])
            points = [{"x": x, "y": y, "id": 1}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0)
    for step in range(1, FINGER_STEPS + 1):
        touch("touchMove", step / FINGER_STEPS)
        page.wait_for_timeout(20)
    touch("touchEnd", None)


def _middle(page: Page) -> tuple[float, float]:
    left, top, right, bottom = look(page).box
    return (left + right) / 2, (top + bottom) / 2


def _origin(page: Page) -> tuple[float, float]:
    """Return where the canvas starts on the screen, scrolled into view."""
    canvas = frame(page).locator("canvas.upper-canvas")
    canvas.scroll_into_view_if_needed()
    place = canvas.bounding_box()
    assert place is not None
    return place["x"], place["y"]


def _lines(counts: npt.NDArray[np.int_]) -> tuple[int, int]:
    """Return first and one past the last row (or column) in which the frame's colour makes a long line."""
    at = np.flatnonzero(counts > 0.6 * counts.max())
    return int(at[0]), int(at[-1]) + 1
