"""Drawn products as cut-outs, for training the garment mask on masks that are exact.

    python -m Data.sample.cut_outs DIR [--per-class N] [--seed S]

Each file is an RGBA PNG whose alpha is the product's coverage of each pixel, without its shadow.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from Data.sample.drawing import draw_product
from Data.sample.garments import BUILDERS

SEED = 1007
"""Not the sample catalogue's, so that the mask network has not seen what `similook demo` shows."""
SIDE = 320


def write_cut_outs(directory: Path, per_class: int = 20, seed: int = SEED) -> list[Path]:
    """Draw `per_class` products of each category and write them cut out; return the files, sorted.

    Files that exist already are kept, so an interrupted run goes on where it stopped.

    Args:
        directory: made if it is missing.
        per_class: products of each category, 1 or more.
        seed: of the drawings.
    Raises:
        ValueError: per_class is less than 1.
    """
    if per_class < 1:
        raise ValueError(f"per_class is {per_class}; it must be 1 or more")
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for category in BUILDERS:
        for index in range(per_class):
            path = directory / f"{category}-{index:03d}.png"
            written.append(path)
            if path.exists():
                continue
            drawing = draw_product(category, index, seed)
            picture = Image.fromarray(np.dstack([drawing.rgb, drawing.mask]))
            picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            part = path.with_suffix(".part")
            picture.save(part, format="PNG")
            part.replace(path)
    return sorted(written)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--per-class", type=int, default=20)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args(arguments)
    if asked.per_class < 1:
        parser.error("--per-class must be 1 or more")
    write_cut_outs(asked.directory, asked.per_class, asked.seed)


if __name__ == "__main__":
    main()
