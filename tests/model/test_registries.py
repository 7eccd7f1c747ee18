"""A registry refuses a second entry of a name, and lists its choices for an unknown one."""

import numpy as np
import pytest
from PIL import Image

import Model.encoders.base as encoders
import Model.segmenters.base as segmenters
from Model.encoders import load_encoder
from Model.errors import UnknownName
from Model.segmenters import load_segmenter


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="two encoders named 'resnet34'"):
        encoders.register("resnet34")(encoders.get("resnet34"))
    with pytest.raises(ValueError, match="two segmenters named 'none'"):
        segmenters.register("none")(segmenters.get("none")[1])


def test_an_unknown_name_lists_the_choices() -> None:
    with pytest.raises(UnknownName, match="choose resnet34, or a model folder"):
        load_encoder("vgg", None, 1)
    with pytest.raises(UnknownName, match="none, rembg"):
        load_segmenter("scissors", None, 1)


def test_the_whole_picture_is_a_mask_too() -> None:
    segmenter = load_segmenter("none", None, 1)
    (mask,) = segmenter.masks([Image.new("RGB", (7, 5))])
    assert np.array_equal(mask, np.full((5, 7), 255))
