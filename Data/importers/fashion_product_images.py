"""`fashion-product-images`: a shop's pictures with type, colour, gender and title (Param Aggarwal, MIT).

Layout: styles.csv beside images/<id>.jpg, in a folder or a tar. The last column, the title, may hold bare commas. The
set has no brands, prices or links; those stay empty.
"""

from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from Data.errors import ImportFailed
from Data.importers.base import ImportedRow, ImportOptions, register
from Data.importers.published_set import PublishedSet
from Data.product import RowProblem

TABLE = "styles.csv"
COLUMNS = (
    *("id", "gender", "masterCategory", "subCategory", "articleType"),
    *("baseColour", "season", "year", "usage", "productDisplayName"),
)

PEOPLE = {
    "Men": ("men", "adult"),
    "Women": ("women", "adult"),
    "Unisex": ("unisex", "adult"),
    "Boys": ("men", "kids"),
    "Girls": ("women", "kids"),
}


class FashionProductImages(PublishedSet):
    """The rows of styles.csv."""

    table = TABLE
    title = "fashion-product-images"

    def rows(self) -> Iterator[ImportedRow | RowProblem]:
        """Yield one row per product."""
        with self._files.open(TABLE) as file, TextIOWrapper(file, encoding="utf-8-sig", newline=None) as lines:
            try:
                header = tuple(next(lines, "").rstrip("\n").split(","))
                if header != COLUMNS:
                    raise ImportFailed(f"{TABLE} of {self._name} does not have the columns {', '.join(COLUMNS)}.")
                number = 0
                for line in lines:
                    if not line.isspace():
                        number += 1
                        yield _row(number, line.rstrip("\n"))
            except UnicodeDecodeError as error:
                raise ImportFailed(f"{TABLE} of {self._name} is not UTF-8: fetch the set again.") from error


def _row(number: int, line: str) -> ImportedRow | RowProblem:
    # Nothing is quoted in this file: whatever follows the ninth comma is the title.
    cells = line.split(",", len(COLUMNS) - 1)
    if len(cells) != len(COLUMNS):
        said = f"has {len(cells)} cells where there should be {len(COLUMNS)}."
        return RowProblem(number, said, cells[0].strip() or None)
    key, person, _, _, kind, colour, _, _, _, title = cells
    gender, age_group = PEOPLE.get(person, (None, None))
    values = {
        "product_id": key,
        "name": title or kind,
        "category_name": kind,
        "gender": gender,
        "age_group": age_group,
        "colour": None if colour in ("", "NA") else colour,
    }
    return ImportedRow(number, values, (f"images/{key}.jpg",))


@register("fashion-product-images")
def open_fashion_product_images(path: Path, options: ImportOptions) -> FashionProductImages:
    """Open the set; it needs no options."""
    del options
    return FashionProductImages(path)
