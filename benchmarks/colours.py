"""How often a garment's colours are called what its shop calls them.

python -m benchmarks.colours [TAR] [--products 2000]

Measured on products that the table of colour words was not fitted to; `Model/training/shop_colours.py` draws the sides.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.provenance import REPOSITORY, RESULTS, header, table
from Model.colours import NAMES, garment_colours
from Model.segmenters import load_segmenter
from Model.training.shop_colours import SEED, ShopPicture, cut_out, family, sides

TAR = REPOSITORY.parent / "shared" / "data" / "fashion-product-images-small.tar"

MOST = 2
"""Colours of a garment that it may be found by when the shop's word is looked for among them."""

CONFUSED = 25
"""Confusions to list."""


@dataclass(frozen=True)
class Named:
    """What a product was called.

    Args:
        said: the shop's own word; word: the palette's for it; found: the words of its picture, the main one first.
    """

    kind: str
    category: str
    said: str
    word: str
    found: tuple[str, ...]


def name(picture: ShopPicture) -> Named:
    """Return what a product's picture is called."""
    found = tuple(colour.name for colour in garment_colours(picture.image, picture.mask))
    return Named(picture.kind, picture.category, picture.said, picture.word, found)


def exactly(named: Named) -> bool:
    """Return whether the first word is the shop's."""
    return named.found[:1] == (named.word,)


def by_family(named: Named) -> bool:
    """Return whether the first word is the shop's or another shade of it: navy for blue."""
    return bool(named.found) and family(named.found[0]) == family(named.word)


def among(named: Named) -> bool:
    """Return whether the shop's word is one of the first two: whether a filter by it finds the product."""
    return named.word in named.found[:MOST]


AGREEMENTS: dict[str, Callable[[Named], bool]] = {
    "first word is the shop's": exactly,
    "first word is the shop's or a shade of it": by_family,
    "shop's word among the first two": among,
}


def share(products: Sequence[Named], agree: Callable[[Named], bool]) -> float:
    """Return the share of products that agree, 0..1."""
    return sum(map(agree, products)) / len(products)


def by_chance(products: Sequence[Named], agree: Callable[[Named], bool]) -> float:
    """Return the share that would agree if each product had the colours of the next one in the list."""
    turned = [*products[1:], *products[:1]]
    swapped = [
        Named(p.kind, p.category, p.said, p.word, other.found) for p, other in zip(products, turned, strict=True)
    ]
    return share(swapped, agree)


def report(garments: Sequence[Named], worn: Sequence[Named]) -> str:
    """Return the figures as Markdown.

    Args:
        garments: products of the thirteen categories; worn: of anything to wear, watches and jewellery with it.
    """
    names = sum(len(product.found[:MOST]) for product in garments) / len(garments)
    groups = {f"{len(garments)} garments, shoes, hats and bags": garments, f"{len(worn)} things to wear": worn}
    rows: list[list[object]] = [
        [text, *(f"{share(group, agree):.3f}" for group in groups.values()), f"{by_chance(garments, agree):.3f}"]
        for text, agree in AGREEMENTS.items()
    ]
    page = table(["Agreement", *groups, "by chance"], rows)
    page += f"\nA garment has {names:.2f} of at most {MOST} words on average. "
    page += '"By chance": each garment with the words of another. '
    page += 'Where the shop says "Multi" it counts as a disagreement.\n'
    page += "\n## By the shop's word\n\nOf the garments; the words that the palette lacks are merged as "
    page += "`SYNONYMS` in `Model/training/shop_colours.py` says.\n\n"
    page += table(["Word", "Products", *AGREEMENTS], [_row(garments, word) for word in (*NAMES, "multi")])
    confused = Counter(
        (product.said, product.found[0]) for product in garments if product.found and not exactly(product)
    )
    page += "\n## What is confused most\n\nThe shop's own word, and the first of ours where it is another.\n\n"
    return page + table(["Shop", "We", "Products"], [[*pair, count] for pair, count in confused.most_common(CONFUSED)])


def _row(products: Sequence[Named], word: str) -> list[object]:
    own = [product for product in products if product.word == word]
    return [word, len(own), *(f"{share(own, agree):.2f}" if own else "" for agree in AGREEMENTS.values())]


def main() -> int:
    """Measure and write docs/results/colours.md; return 1 where the tar is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, nargs="?", default=TAR, help="fashion-product-images-small.tar")
    parser.add_argument("--products", type=int, default=2000)
    chosen = parser.parse_args()
    if not chosen.archive.is_file():
        print(f"{chosen.archive} is missing: say where it is.")
        return 1
    rows = sides(chosen.archive)[1]
    first = rows[: chosen.products]
    more = [row for row in rows[chosen.products :] if row.label]
    missing = chosen.products - sum(bool(row.label) for row in first)
    named = [name(each) for each in cut_out([*first, *more[:missing]], load_segmenter("rembg", None, threads=1))]
    data = (
        f"fashion-product-images-small (60 x 80 px), seed {SEED}: products whose titles are on the side that nothing "
        "was fitted to. The side, the shop's words and how they are merged were set down before."
    )
    page = header("Colours, in a shop's words", data) + "\n"
    page += report([each for each in named if each.category], named[: chosen.products])
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "colours.md").write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
