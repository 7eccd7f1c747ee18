"""Measure a trained garment mask and put it where it is served from.

``python -m Model.training.mask_publish --data DIR --checkpoint FILE --out Model/weights/garment-mask``
"""

from __future__ import annotations

import argparse
import logging
import platform
import tempfile
import time
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from Model import weights
from Model.card import Card, Probe, sha256_hex
from Model.errors import ModelError
from Model.probe import make_probe, probe_picture, vector_of_mask
from Model.training.export import open_session
from Model.training.mask_data import MaskSets, Pixels, read_sets
from Model.training.mask_export import (
    INPUT_NAME,
    SIDE,
    averaged_net,
    export_fp32,
    export_int8,
    run_session,
)
from Model.training.mask_labels import SOFT_MASKS
from Model.training.mask_metrics import bare_background_rate, validation_iou, validation_pictures

log = logging.getLogger(__name__)

MOST_LOST = 0.005  # of IoU, on any kind of picture, before int8 is turned down
MIN_COVERAGE = 0.04  # one validation photo in a hundred covers less than 0.14
PROBE_SEED = 7
PROBE_SEEDS = 128
"""Probe pictures to choose from."""
LICENCE = (
    "MIT, as this repository; trained on clothing-co-parsing (Apache-2.0), clothing-dataset (CC0) "
    "and fashion-product-images-small (MIT)"
)
TRAINED_ON = (
    "clothing-co-parsing",
    "clothing-dataset",
    "fashion-product-images-small",
    "soft masks from an ImageNet MobileNetV2 (google-coral/test_data, Apache-2.0)",
)


def calibration_pictures(sets: MaskSets, count: int) -> Pixels:
    """Return ``count`` phone photos and as many street photos, none held back. Shape: (2 count, 320, 320, 3)."""
    phone = sets.photos[~sets.photo_is_val][:count]
    street = [np.asarray(Image.fromarray(p).resize((SIDE, SIDE))) for p in sets.street[~sets.street_is_val][:count]]
    return np.concatenate([phone, np.stack(street)])


def measured(file: Path, sets: MaskSets, count: int) -> dict[str, float]:
    """Return mask IoU by kind of picture, how often a bare background is told, and the latency.

    Latency: ms of one picture on one thread, the fastest of 30.
    """
    session = open_session(file)

    def predict(pictures: Pixels) -> npt.NDArray[np.float32]:
        return run_session(session, pictures)

    figures = {f"iou_{kind}": value for kind, value in validation_iou(predict, sets, count=count).items()}
    figures["bare_background_found"] = bare_background_rate(
        predict, sets, count=min(count, 100), min_coverage=MIN_COVERAGE
    )
    picture = next(validation_pictures(sets, "street", 1))[0][None]
    times = []
    for _ in range(30):
        began = time.perf_counter()
        run_session(session, picture)
        times.append(time.perf_counter() - began)
    return {
        **{name: round(value, 4) for name, value in figures.items()},
        "latency_ms_1_thread": round(min(times) * 1e3, 1),
    }


def probe_of(file: Path) -> Probe:
    """Return the probe that another machine compares its own mask of the probe picture with.

    To most noise the network says "no garment", and so would a broken one: the probe is the first picture of which it
    takes a quarter to three quarters for garment, or the one nearest to that.
    """
    session = open_session(file)
    best, chosen, best_mask = -1.0, PROBE_SEED, np.zeros((SIDE, SIDE), dtype=np.float32)
    for seed in range(PROBE_SEED, PROBE_SEED + PROBE_SEEDS):
        picture = np.asarray(probe_picture(seed, (SIDE, SIDE)), dtype=np.uint8)
        mask = run_session(session, picture[None])[0]
        coverage = float(mask.mean())
        if min(coverage, 1 - coverage) > best:
            best, best_mask, chosen = min(coverage, 1 - coverage), mask, seed
        if best >= 0.25:
            break
    return make_probe(chosen, vector_of_mask(best_mask), min_cosine=0.98)


def publish(
    data_dir: Path,
    checkpoint: Path,
    out_dir: Path,
    *,
    drawings: Path | None = None,
    limit: int | None = None,
    count: int = 1000,
) -> Card:
    """Export, quantise, measure both, and put the one that is served into its folder in one step.

    Args:
        data_dir: folder with the three archives.
        checkpoint: what mask_train.run returned, in its folder.
        drawings: folder of drawn cut-outs; without it there is no figure for drawings.
        out_dir: the model folder; it changes only after everything has been measured.
        limit: pictures of each kind to read, for a smoke run.
        count: validation pictures of each kind.
    Returns: the card, with the figures of both precisions.
    Raises:
        FileNotFoundError, CheckpointInvalid, OSError: what the folder serves is untouched.
    """
    net = averaged_net(checkpoint)
    sets = read_sets(data_dir, drawings=drawings, limit=limit)
    if (
        limit is None and (checkpoint.parent / SOFT_MASKS).exists()
    ):  # so that no composite is laid on a part of another garment
        sets.load_soft_masks(checkpoint.parent / SOFT_MASKS)
    with tempfile.TemporaryDirectory() as folder:
        fp32 = export_fp32(net, Path(folder) / "fp32.onnx")
        int8 = export_int8(fp32, Path(folder) / "int8.onnx", calibration_pictures(sets, 32 if limit is None else 2))
        figures = {"fp32": measured(fp32, sets, count), "int8": measured(int8, sets, count)}
        log.info("%s", figures)
        kinds = [key for key in figures["fp32"] if key.startswith("iou_")]
        holds = all(figures["fp32"][key] - figures["int8"][key] <= MOST_LOST for key in kinds)
        precision: Literal["int8", "fp32"] = "int8" if holds else "fp32"
        chosen = int8 if holds else fp32
        data, probe = chosen.read_bytes(), probe_of(chosen)
    card = Card(
        format=1,
        name="garment-mask",
        kind="segmenter",
        sha256=sha256_hex(data),
        input_name=INPUT_NAME,
        input_size=(SIDE, SIDE),
        resize="squash",
        precision=precision,
        min_coverage=MIN_COVERAGE,
        licence=LICENCE,
        source="Model/training/mask_train.py",
        trained_on=(*TRAINED_ON, *(["drawings of this repository"] if drawings is not None else [])),
        metrics={
            "validation": "mean IoU per picture; street and crop: photos of splits/clothing_co_parsing_val.csv; "
            "composite and drawing: held-back cut-outs and drawings over held-back backgrounds; "
            "bare_background_found: share of garment-free pictures that stay under min_coverage",
            "machine": platform.machine(),
            **figures[precision],
            "fp32": dict(figures["fp32"]),
            "int8": dict(figures["int8"]),
        },
        probe=probe,
    )
    return weights.publish(card, data, out_dir)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--drawings", type=Path, help="folder written by python -m Data.sample.cut_outs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1000, help="validation pictures of each kind")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        card = publish(asked.data, asked.checkpoint, asked.out, drawings=asked.drawings, count=asked.count)
    except (ModelError, FileNotFoundError) as error:
        parser.exit(1, f"{error}\n")
    log.info("%s is served: %s", card.precision, card.metrics)


if __name__ == "__main__":
    main()
