"""Ways in: each importer is one file, and one line here."""

from Data.importers import clothing_dataset, fashion_product_images, table
from Data.importers.base import ImportedRow, Importer, ImportOptions, names, open_source
from Data.importers.run import ImportReport, run_import

__all__ = [
    "ImportOptions",
    "ImportReport",
    "ImportedRow",
    "Importer",
    "clothing_dataset",
    "fashion_product_images",
    "names",
    "open_source",
    "run_import",
    "table",
]
