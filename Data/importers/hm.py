"""`hm`: the H&M Personalized Fashion Recommendations set of Kaggle: articles.csv beside images/010/0108775015.jpg.

In a folder, a tar, or the zip as it is handed out. Its prices are scaled and without a currency, so they are left out,
and it has no links.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from Data.errors import ImportFailed
from Data.importers.base import ImportedRow, ImportOptions, register
from Data.importers.csv_rows import OddRow, read_rows
from Data.importers.identity import id_of
from Data.importers.published_set import PublishedSet
from Data.product import RowProblem

TABLE = "articles.csv"
NEEDED = ("article_id", "product_code", "prod_name", "product_type_name")
ID_DIGITS = 10
BRAND = "H&M"

GROUPS = {
    "Ladieswear": ("women", "adult"),
    "Divided": ("women", "adult"),
    "Menswear": ("men", "adult"),
    "Sport": (None, "adult"),
    "Baby/Children": (None, "kids"),
}
_FEMALE = re.compile(r"\b(?:women|womens|ladies|girl|girls|mama)\b", re.IGNORECASE)
_MALE = re.compile(r"\b(?:men|mens|boy|boys)\b", re.IGNORECASE)
_NO_COLOUR = {"", "unknown", "undefined", "other"}


class HennesMauritz(PublishedSet):
    """The rows of articles.csv."""

    table = TABLE
    title = "the H&M set"

    def rows(self) -> Iterator[ImportedRow | RowProblem]:
        """Yield one row per article."""
        header: list[str] = []
        with self._files.open(TABLE) as file:
            for row in read_rows(file, TABLE, ","):
                if isinstance(row, OddRow):
                    said = id_of(row.cell(header.index("article_id")))
                    yield row.problem(None if said is None else _article(said))
                    continue
                number, cells = row
                if number == 0:
                    header = cells
                    missing = [name for name in NEEDED if name not in header]
                    if missing:
                        raise ImportFailed(f"{TABLE} of {self._name} has no column {', '.join(missing)}.")
                    continue
                yield _row(number, dict(zip(header, cells, strict=True)))


def _row(number: int, said: dict[str, str]) -> ImportedRow:
    article = _article(said["article_id"])
    gender, age_group = GROUPS.get(said.get("index_group_name", ""), (None, None))
    section = f"{said.get('section_name', '')} {said.get('department_name', '')}"
    if gender is None:
        female, male = _FEMALE.search(section) is not None, _MALE.search(section) is not None
        gender = "women" if female and not male else "men" if male and not female else None
    colour = said.get("colour_group_name", "")
    values = {
        "product_id": article,
        "name": said["prod_name"],
        "brand": BRAND,
        "category_name": said["product_type_name"],
        "gender": gender,
        "age_group": age_group,
        "colour": None if colour.lower() in _NO_COLOUR else colour,
        "group_id": said["product_code"],
    }
    return ImportedRow(number, values, (f"images/{article[:3]}/{article}.jpg",))


def _article(said: str) -> str:
    # Spreadsheets take the zero in front away; the pictures' names have it.
    digits = said.strip()
    return digits and digits.zfill(ID_DIGITS)


@register("hm")
def open_hm(path: Path, options: ImportOptions) -> HennesMauritz:
    """Open the set; it needs no options."""
    del options
    return HennesMauritz(path)
