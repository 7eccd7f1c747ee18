"""What the demo prepares: the drawn sample where there is nothing, and whatever has not been looked at yet."""

from pathlib import Path

from Backend.samples import prepare
from Backend.services import open_catalogue, open_images
from Backend.settings import Settings
from Data.product import Picture, Product
from tests.backend.conftest import DrawnPhoto


def test_what_came_since_is_looked_at_and_nothing_twice(data_dir: Path, photos: list[DrawnPhoto]) -> None:
    settings = Settings(data_dir=data_dir, threads=1)
    said: list[str] = []
    with open_catalogue(settings) as catalogue:
        catalogue.migrate()
        picture = Picture(sha256=open_images(settings).put(photos[0].data))
        catalogue.upsert([Product(product_id="own", name="A shop's own", pictures=(picture,))])
    prepare(settings, said.append)
    assert said[0] == "Looking at the pictures."  # no sample is drawn into a shop's catalogue
    assert said[1].startswith("Pictures looked at: 1, in ")
    said.clear()
    prepare(settings, said.append)
    assert said == []
    with open_catalogue(settings) as catalogue:
        picture = Picture(sha256=open_images(settings).put(photos[1].data))
        catalogue.upsert([Product(product_id="later", name="Came later", pictures=(picture,))])
    prepare(settings, said.append)
    assert [line.split(", in ")[0] for line in said] == ["Looking at the pictures.", "Pictures looked at: 1"]
    with open_catalogue(settings) as catalogue:
        assert catalogue.count() == 2
