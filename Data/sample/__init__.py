"""The drawn sample catalogue: invented products with pictures of our own, for a first start, tests and screenshots."""

from Data.sample.catalogue import draw_sample
from Data.sample.drawing import Drawing, draw_product
from Data.sample.naming import SAMPLE_CATEGORIES

__all__ = ["SAMPLE_CATEGORIES", "Drawing", "draw_product", "draw_sample"]
