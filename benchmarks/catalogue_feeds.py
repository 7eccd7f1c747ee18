"""Feeds to measure with: a part of a published tar, a generated table, and both with one product in 100 changed."""

import csv
import io
import random
import tarfile
from pathlib import Path

from Data.importers.fashion_product_images import TABLE

EVERY = 100
"""One product in so many is changed."""

SEED = 5
KINDS = ("Dress", "Shirt", "Jeans", "Sneakers", "Coat", "Skirt", "Bag", "Hat")
COLOURS = ("black", "white", "navy", "red", "green", "beige", "grey", "pink")
HEADER = (
    *("id", "title", "brand", "product type", "price", "sale price", "currency", "availability", "color", "gender"),
    *("size", "link", "image link"),
)


def write_tar(source: Path, target: Path, limit: int | None, changed: bool) -> int:
    """Write the first products of fashion-product-images as a tar of its own, and return their number.

    Args:
        limit: None for all.
        changed: every 200th product gets another title, every 200th a picture of one byte more.
    """
    with tarfile.open(source) as tar, tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as out:
        files = {member.name: member for member in tar.getmembers()}

        def read(name: str) -> bytes:
            file = tar.extractfile(files[name])
            assert file is not None
            return file.read()

        def add(name: str, data: bytes) -> None:
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), int(files[name].mtime)
            out.addfile(member, io.BytesIO(data))

        header, *lines = read(TABLE).decode("utf-8-sig").splitlines()
        lines = lines[:limit]
        repainted = set()
        if changed:
            for place in range(0, len(lines), 2 * EVERY):
                lines[place] += ", new"
            repainted = {line.split(",")[0] for line in lines[EVERY :: 2 * EVERY]}
        add(TABLE, "\n".join([header, *lines, ""]).encode())
        for line in lines:
            key = line.split(",")[0]
            if (name := f"images/{key}.jpg") in files:
                add(name, read(name) + b"\0" * (key in repainted))
    return len(lines)


def write_table(path: Path, rows: int, changed: bool) -> None:
    """Write a shop's table, its pictures at addresses that nobody calls.

    Args:
        changed: every 100th product has another price.
    """
    rng = random.Random(SEED)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in rng.sample(range(rows), rows):
            kind, colour, brand = rng.choice(KINDS), rng.choice(COLOURS), f"Brand {rng.randrange(500)}"
            cents = rng.randrange(500, 30_000) + (changed and number % EVERY == 0)
            writer.writerow(
                [
                    *(f"sku-{number:07d}", f"{brand} {colour} {kind.lower()} {number}", brand, kind),
                    *(f"{cents / 100:.2f}", f"{cents // 2 / 100:.2f}" if number % 5 == 0 else "", "EUR"),
                    *("in stock" if number % 20 else "out of stock", colour, rng.choice(("women", "men", "unisex"))),
                    *("S|M|L|XL", f"https://shop.example/p/{number}", f"https://cdn.shop.example/p/{number}.jpg"),
                ]
            )
