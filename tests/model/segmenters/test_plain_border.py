"""The plain-border rule: when it decides, and what it finds."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from Model.segmenters.plain_border import plain_border_mask


def shirt(
    background: tuple[int, int, int], colour: tuple[int, int, int], size: tuple[int, int] = (300, 400)
) -> Image.Image:
    image = Image.new("RGB", size, background)
    width, height = size
    ImageDraw.Draw(image).rectangle((width * 0.25, height * 0.25, width * 0.75, height * 0.75), fill=colour)
    return image


def noisy(image: Image.Image, spread: int, seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(-spread, spread + 1, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image).astype(int) + noise, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("background", [(255, 255, 255), (240, 240, 242), (0, 0, 0), (90, 160, 200)])
@pytest.mark.parametrize("size", [(300, 400), (60, 80), (640, 480)])
def test_a_garment_on_a_plain_ground_is_found(background: tuple[int, int, int], size: tuple[int, int]) -> None:
    image = noisy(shirt(background, (180, 40, 40), size), 4)
    mask = plain_border_mask(image)
    assert mask is not None
    assert mask.shape == (size[1], size[0])
    truth = np.asarray(shirt((0, 0, 0), (255, 255, 255), size))[..., 0] > 0
    found = mask >= 128
    assert (found & truth).sum() / (found | truth).sum() > 0.93


def test_a_pale_garment_with_an_outline_keeps_its_inside() -> None:
    image = shirt((255, 255, 255), (255, 255, 255))
    ImageDraw.Draw(image).rectangle((75, 100, 225, 300), outline=(200, 200, 200), width=4)
    mask = plain_border_mask(image)
    assert mask is not None
    assert mask[200, 150] == 255
    assert mask[20, 20] == 0


def test_a_wholly_plain_picture_has_no_garment() -> None:
    mask = plain_border_mask(noisy(Image.new("RGB", (200, 200), (250, 250, 250)), 5))
    assert mask is not None
    assert not mask.any()


def test_other_borders_are_left_to_the_network() -> None:
    ramp = np.tile(np.linspace(60, 200, 300).astype(np.uint8), (300, 1))
    touching = Image.new("RGB", (200, 300), (255, 255, 255))
    ImageDraw.Draw(touching).rectangle((60, 100, 140, 299), fill=(30, 30, 90))
    for image in (
        Image.fromarray(np.stack([ramp] * 3, axis=-1)),
        noisy(Image.new("RGB", (200, 200), (128, 128, 128)), 60),
        touching,
        Image.new("RGB", (3, 3), (255, 255, 255)),
        Image.new("RGB", (1, 500), (255, 255, 255)),
    ):
        assert plain_border_mask(image) is None
