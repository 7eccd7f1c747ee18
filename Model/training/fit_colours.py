"""Fit the table of colour words to a shop's pictures: makes Model/colour_table.csv.

python -m Model.training.fit_colours ../shared/data/fashion-product-images-small.tar [--pictures 9000]

Multinomial logistic regression on the square roots of each example's share of the garment. Pictures of each example
alone are among the garments, called what the nearest swatch is called: a photo is never of one colour, and without them
a plain drawing, or a saturated green that no shop had, would be named by what happens to be seen beside it.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.cluster import MiniBatchKMeans

from Model.colour_table import HUE_WEIGHT, NAMES, TABLE, ColourTable, nearest_by_rgb, rgb_to_lab, write_table
from Model.colours import Pixels, example_shares, garment_pixels, nearest_examples
from Model.segmenters import load_segmenter
from Model.training.shop_colours import ShopPicture, cut_out, sides

log = logging.getLogger(__name__)

EXAMPLES = 320
"""Examples of colours beside the swatches; 160 agree with the shop by 1 point less, 640 by no more."""

PER_PICTURE = 12
"""Pixels of each picture that the examples are chosen from."""

PENALTY = 1e-4
"""On the square of how far the evidence is from `START`. Chosen on pictures of the fitted side, as the others here."""

FLAT_WEIGHT = 1 / 3000
"""What a picture of one example alone counts, as a share of all pictures of garments."""

FLAT_AGAIN = 3.0
"""Factor on that in a second fit, for those that the first calls otherwise than their nearest swatch."""

START = 2.0
"""Evidence of an example for its nearest swatch's word that the penalty pulls to: holds where no garment says more."""

LEAD = 0.1
"""By how much that word leads in the end, where the garments alone would have an example called something else."""

Lab = tuple[float, float, float]

SWATCHES: dict[str, tuple[Lab, ...]] = {
    "black": ((0, 0, 0), (8, 0, 0), (14, 1, -3), (16, 0, 0), (24, 0, 0), (24, 0, -3)),
    "grey": ((38, 0, 0), (45, 0, 0), (60, 0, 0), (73, 0, 0), (80, 0, 0)),
    "white": ((88, 0, 1), (92, 0, 0), (95, 0, 2), (100, 0, 0)),
    "cream": ((90, 0, 10), (93, -1, 12)),
    "beige": ((72, 3, 15), (80, 3, 12), (83, 2, 17)),
    "khaki": ((58, 2, 18), (66, 0, 24)),
    "tan": ((58, 14, 28), (52, 18, 34)),
    "brown": ((20, 6, 6), (28, 6, 8), (34, 12, 16), (38, 10, 16), (46, 12, 22)),
    "navy": ((14, 2, -6), (20, 3, -12), (10, 6, -22), (22, 4, -24), (27, 0, -9)),
    "blue": (
        *((32, 12, -40), (45, 0, -25), (45, 0, -12), (55, -12, -28), (65, -5, -20), (78, -6, -12), (76, -8, -24)),
        *((43, 6, -48), (32, 79, -108), (40, 30, -70), (34, 4, -32)),
    ),
    "turquoise": ((65, -25, -8), (64, -35, -10), (75, -35, -8), (91, -48, -14)),
    "teal": ((40, -20, -5), (48, -29, -8), (30, -16, -6)),
    "green": (
        *((30, -15, 10), (45, -35, 25), (65, -35, 40), (70, -12, 5), (80, -20, 25), (70, -65, 65), (88, -86, 83)),
        *((83, -22, 8), (46, -52, 50), (66, -11, 12)),
    ),
    "olive": ((36, -3, 15), (45, -2, 22), (35, -8, 25), (47, -4, 28)),
    "yellow": ((75, 8, 50), (82, 0, 60), (90, -5, 40), (87, -2, 75), (97, -21, 94), (85, 2, 58)),
    "mustard": ((62, 8, 42), (68, 10, 57)),
    "orange": ((60, 38, 45), (68, 28, 40), (66, 38, 65), (67, 32, 50), (62, 50, 70)),
    "peach": ((76, 18, 18), (82, 14, 16)),
    "red": ((35, 42, 22), (42, 50, 28), (50, 55, 30), (43, 66, 45), (53, 80, 67)),
    "burgundy": ((18, 14, 4), (26, 24, 8), (33, 28, 10), (24, 38, 12), (27, 32, 14), (25, 48, 38)),
    "pink": ((55, 40, 0), (60, 48, 4), (70, 28, 2), (82, 14, 2), (72, 38, 0), (65, 40, 18), (55, 45, 10)),
    "magenta": ((42, 52, -5), (50, 70, -20), (60, 98, -61)),
    "purple": ((24, 14, -10), (32, 22, -22), (42, 20, -15), (30, 36, -36), (30, 59, -36), (40, 28, -35)),
    "lavender": ((68, 10, -12), (74, 12, -20)),
}
"""Plain colours of every word, set by eye: what a picture of one colour alone is called, more or less."""


def choose_examples(pictures: Iterable[Pixels]) -> npt.NDArray[np.float32]:
    """Return examples of the colours that garments have, the swatches last. Shape: (EXAMPLES + swatches, 3)."""
    rng = np.random.default_rng(0)
    drawn = [picture.rgb[rng.permutation(len(picture.rgb))[:PER_PICTURE]] for picture in pictures]
    scale = np.array([1.0, HUE_WEIGHT, HUE_WEIGHT], dtype=np.float32)
    means = MiniBatchKMeans(EXAMPLES, n_init=1, random_state=0, batch_size=4096, max_iter=20)
    means.fit(rgb_to_lab(np.concatenate(drawn)) * scale)
    swatches = np.array([lab for labs in SWATCHES.values() for lab in labs], dtype=np.float32)
    return np.concatenate([means.cluster_centers_.astype(np.float32) / scale, swatches])


def words_of_swatches(lab: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Return the index of the nearest swatch's word in `NAMES`. Shape: (n, 3) to (n,)."""
    words = np.array([NAMES.index(word) for word, labs in SWATCHES.items() for _ in labs])
    swatches = np.array([each for labs in SWATCHES.values() for each in labs], dtype=np.float32)
    empty = np.zeros((len(swatches), len(NAMES)), dtype=np.float32)
    return np.asarray(words[ColourTable(swatches, empty, empty[0]).nearest(lab)])


def shares_of(pictures: Iterable[Pixels], lab: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return each picture's share of each example. Shape: (pictures, examples)."""
    empty = np.zeros((len(lab), len(NAMES)), dtype=np.float32)
    by_rgb = nearest_by_rgb(ColourTable(lab, empty, empty[0]))
    rows = [example_shares(nearest_examples(pixels, by_rgb), pixels, len(lab)) for pixels in pictures]
    return np.stack(rows).astype(np.float32)


def fit_evidence(
    shares: npt.NDArray[np.float32],
    words: npt.NDArray[np.intp],
    weights: npt.NDArray[np.float32],
    start: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Fit multinomial logistic regression on the square roots of shares.

    Args:
        shares: Shape: (n, examples).
        words: index of each picture's word in `NAMES`. Shape: (n,).
        weights: how much each picture counts. Shape: (n,).
        start: the evidence that the penalty pulls to. Shape: (examples, len(NAMES)).
    Returns:
        The evidence (examples, len(NAMES)) and the prior (len(NAMES),).
    """
    features = np.sqrt(shares)
    truth = np.eye(len(NAMES), dtype=np.float32)[words]
    part = weights / weights.sum()
    size = features.shape[1] * len(NAMES)

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        evidence = flat[:size].reshape(-1, len(NAMES)).astype(np.float32)
        logs = log_softmax(features @ evidence + flat[size:].astype(np.float32), axis=1)
        error = (np.exp(logs) - truth) * part[:, None]
        moved = evidence - start
        slope = np.concatenate([(features.T @ error + 2 * PENALTY * moved).ravel(), error.sum(axis=0)])
        value = -float((logs * truth).sum(axis=1) @ part) + PENALTY * float((moved**2).sum())
        return value, slope.astype(np.float64)

    found = minimize(
        loss, np.append(start.ravel(), np.zeros(len(NAMES))), jac=True, method="L-BFGS-B", options={"maxiter": 80}
    )
    log.info("loss %.4f after %d steps", found.fun, found.nit)
    evidence = found.x[:size].reshape(-1, len(NAMES)).astype(np.float32)
    return evidence, found.x[size:].astype(np.float32)


def fit(pictures: Iterable[ShopPicture]) -> ColourTable:
    """Return the table that agrees best with what a shop called its pictures."""
    kept = [(garment_pixels(each.image, each.mask), each.word) for each in pictures if each.word in NAMES]
    seen = [(pixels, word) for pixels, word in kept if len(pixels.rgb)]
    lab = choose_examples(pixels for pixels, _ in seen)
    flat = words_of_swatches(lab)
    start = START * np.eye(len(NAMES), dtype=np.float32)[flat]
    shares = np.concatenate([shares_of((pixels for pixels, _ in seen), lab), np.eye(len(lab), dtype=np.float32)])
    words = np.concatenate([np.array([NAMES.index(word) for _, word in seen]), flat])
    weights = np.where(np.arange(len(words)) < len(seen), 1.0, FLAT_WEIGHT * len(seen)).astype(np.float32)
    evidence, prior = fit_evidence(shares, words, weights, start)
    weights[len(seen) :][(evidence + prior).argmax(axis=1) != flat] *= FLAT_AGAIN
    evidence, prior = fit_evidence(shares, words, weights, start)
    rows = np.arange(len(lab))
    behind = (evidence + prior).max(axis=1) - (evidence + prior)[rows, flat]
    evidence[rows, flat] += np.where(behind > 0, behind + LEAD, 0.0)
    return ColourTable(lab, evidence, prior)


def main() -> None:
    """Fit and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="fashion-product-images-small.tar")
    parser.add_argument("--pictures", type=int, default=40_000, help="at most, of the fitted side")
    parser.add_argument("--out", type=Path, default=TABLE)
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rows = sides(chosen.archive)[0][: chosen.pictures]
    table = fit(cut_out(rows, load_segmenter("rembg", None, threads=1)))
    source = (
        f"Fitted by Model/training/fit_colours.py to {len(rows)} pictures of fashion-product-images-small (MIT). "
        "The first row is the prior."
    )
    write_table(table, chosen.out, source)


if __name__ == "__main__":
    main()
