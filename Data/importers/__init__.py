"""Ways in: each importer is one file, and one line here."""

from Data.importers import clothing_dataset, fashion_product_images, hm, merchant_feed, shopify, table
from Data.importers.base import ImportedRow, Importer, ImportOptions, names, open_source
from Data.importers.guess import guess_layout
from Data.importers.intake import ImportReport
from Data.importers.run import run_import

__all__ = [
    "ImportOptions",
    "ImportReport",
    "ImportedRow",
    "Importer",
    "clothing_dataset",
    "fashion_product_images",
    "guess_layout",
    "hm",
    "merchant_feed",
    "names",
    "open_source",
    "run_import",
    "shopify",
    "table",
]
