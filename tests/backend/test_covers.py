"""The cleanest picture stands for its product, and a missing category is the one that is seen in it."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from Backend.indexer import Indexer
from Data.catalogue import Catalogue
from Data.features import Features
from Data.images import ImageStore
from Data.product import Picture, Product
from Model.embedder import Sight
from Model.preprocess import Box, DecodeLimits


class Eye:
    """Sees everything darker than the wall as garment, and calls red ones dresses."""

    embedder_id = "eye"

    def see(self, images: Sequence[Image.Image]) -> list[Sight]:
        sights = []
        for image in images:
            pixels = np.asarray(image.convert("RGB"))
            mask = np.where(pixels.min(axis=2) < 128, 255, 0).astype(np.uint8)
            red = pixels[..., 0].max() > pixels[..., 1].max() or pixels[..., 0].min() > pixels[..., 1].min()
            vector = np.zeros(8, np.float32)
            vector[0] = 1.0
            category = "dress" if red else "hat"
            sights.append(Sight(vector, 0.5, Box(0, 0, 1, 1), category, 0.9, {category: 0.9}, mask))
        return sights


def png(boxes: list[tuple[int, int, int, int]], colour: tuple[int, int, int]) -> bytes:
    image = Image.new("RGB", (600, 800), "white")
    for box in boxes:
        image.paste(colour, box)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_the_cleanest_picture_is_shown_and_gives_the_category(tmp_path: Path) -> None:
    images = ImageStore(tmp_path / "images")
    outfit = images.put(png([(0, 0, 250, 800), (350, 0, 600, 800)], (20, 20, 20)))
    alone = images.put(png([(150, 150, 450, 650)], (200, 30, 30)))
    pictures = (Picture(sha256=outfit), Picture(sha256=alone))
    with Catalogue.open(f"sqlite:///{tmp_path / 'catalogue.sqlite'}") as catalogue:
        catalogue.migrate()
        catalogue.upsert(
            [
                Product(product_id="guessed", name="A", pictures=pictures),
                Product(product_id="said", name="B", category="bag", pictures=pictures),
            ]
        )
        eye = Eye()
        indexer = Indexer(catalogue, images, Features(catalogue.engine), eye, DecodeLimits())  # type: ignore[arg-type]
        assert indexer.run().succeeded == 2
        for product_id in ("guessed", "said"):
            cover = catalogue.get(product_id).cover
            assert cover is not None and cover.sha256 == alone
        guessed, said = catalogue.get("guessed"), catalogue.get("said")
        assert (guessed.category, guessed.category_predicted) == ("dress", True)
        assert (said.category, said.category_predicted) == ("bag", False)
        facts = catalogue.get_pictures([alone])[alone]
        assert (facts.mime, facts.width, facts.height) == ("image/png", 600, 800)
        assert facts.quality is not None and facts.quality["score"] > 0.8
        # Both are embedded: a search may find the product by either.
        assert {each.status for each in catalogue.picture_status("guessed")} == {"indexed"}
