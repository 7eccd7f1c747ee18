"""`clothing-dataset`: phone photos of garments with a label and a sender (Alexey Grigorev, CC0).

Layout: images.csv (image, sender_id, label, kids) beside images/<image>.jpg, in a folder or a tar.
The set has no names, prices or links; the label stands for the name, and the rest stays empty.
"""

from collections.abc import Iterator
from pathlib import Path

from Data.errors import ImportFailed
from Data.importers.base import ImportedRow, ImportOptions, register
from Data.importers.csv_rows import OddRow, read_rows
from Data.importers.identity import id_of
from Data.importers.published_set import PublishedSet
from Data.product import RowProblem

TABLE = "images.csv"
COLUMNS = ["image", "sender_id", "label", "kids"]

CATEGORIES = {
    "T-Shirt": "t-shirt",
    "Undershirt": "t-shirt",
    "Top": "t-shirt",
    "Polo": "polo",
    "Shirt": "shirt",
    "Blouse": "shirt",
    "Longsleeve": "longsleeve",
    "Hoodie": "hoodie",
    "Outwear": "outerwear",
    "Blazer": "outerwear",
    "Pants": "pants",
    "Shorts": "shorts",
    "Skirt": "skirt",
    "Dress": "dress",
    "Shoes": "shoes",
    "Hat": "hat",
}
"""The set's labels as the default categories. Body, Other, Skip and Not sure have none."""


class ClothingDataset(PublishedSet):
    """The rows of images.csv."""

    table = TABLE
    title = "a clothing-dataset"

    def rows(self) -> Iterator[ImportedRow | RowProblem]:
        """Yield one row per photo."""
        with self._files.open(TABLE) as file:
            for row in read_rows(file, TABLE):
                if isinstance(row, OddRow):
                    yield row.problem(id_of(row.cell(COLUMNS.index("image"))))
                    continue
                number, cells = row
                if number == 0:
                    if cells != COLUMNS:
                        raise ImportFailed(
                            f"{TABLE} of {self._name} has the columns {', '.join(cells)}, not these: "
                            f"{', '.join(COLUMNS)}."
                        )
                    continue
                image, _, label, kids = cells
                category = CATEGORIES.get(label)
                values = {
                    "product_id": image,
                    "name": label,
                    "category": category,
                    "category_name": category.capitalize() if category else None,
                    "age_group": "kids" if kids == "True" else "adult",
                }
                yield ImportedRow(number, values, (f"images/{image}.jpg",))


@register("clothing-dataset")
def open_clothing_dataset(path: Path, options: ImportOptions) -> ClothingDataset:
    """Open the set; it needs no options."""
    del options
    return ClothingDataset(path)
