"""Which layout a source has, by its name and its first lines: so that a person need not say it."""

from pathlib import Path

from Data.crawler.addresses import split
from Data.errors import ImportFailed
from Data.importers import clothing_dataset, fashion_product_images, hm
from Data.importers.base import is_address
from Data.importers.files import open_files

_BY_TABLE = {
    hm.TABLE: "hm",
    fashion_product_images.TABLE: "fashion-product-images",
    clothing_dataset.TABLE: "clothing-dataset",
}
_SAMPLE = 4096


def guess_layout(location: str | Path) -> str:
    """Return the name of the importer that a source is for.

    Args:
        location: as for `open_source`.
    Raises:
        ImportFailed: it cannot be told.
        FetchRefused: it begins like an address, and is not a whole one.
    """
    name = split(str(location)).path if is_address(location) else str(location)
    suffix = Path(name).suffix.lower()
    if suffix == ".json" or (is_address(location) and Path(name).name in ("", "products")):
        return "shopify"
    if suffix in (".xml", ".rss", ".atom"):
        return "merchant-feed"
    if suffix in (".parquet", ".pq"):
        return "table"
    if is_address(location):
        if suffix in (".tsv", ".txt"):
            return "merchant-feed"
        if suffix == ".csv":
            return "table"
        raise _unknown(location)
    path = Path(location)
    if path.is_file() and suffix in (".csv", ".tsv", ".txt"):
        return "merchant-feed" if _has_merchant_header(path) else "table"
    if path.is_dir() or suffix in (".tar", ".zip"):
        return _by_content(path)
    raise _unknown(location)


def _has_merchant_header(path: Path) -> bool:
    """Return whether a table's columns are named as in a merchant feed."""
    with path.open("rb") as file:
        header = file.read(_SAMPLE).partition(b"\n")[0].decode("utf-8-sig", "replace").lower().replace(" ", "_")
    return "\t" in header and "image_link" in header and "title" in header


def _by_content(path: Path) -> str:
    files = open_files(path)
    for table, layout in _BY_TABLE.items():
        if files.fingerprint(table) is not None:
            return layout
    if path.is_dir() and any(path.glob("*.json")):
        return "shopify"
    raise _unknown(path)


def _unknown(location: str | Path) -> ImportFailed:
    return ImportFailed(f"The layout of {str(location)[:120]} cannot be told: name it with --layout.")
