"""Search at 10 thousand, 100 thousand and a million vectors: exact, compact and HNSW side by side, filters, changes.

python -m benchmarks.search [--sizes 10000,100000] [--encoder FOLDER] [--work FOLDER] [--keep]

The vectors are real features and mixtures of them (search_features.py); the queries are real pictures held out. A
million takes some 10 GB of disk and, with HNSW's build, about half an hour on two cores. Each size's results are
written when it ends; --keep goes on after an interruption with what has been filled, built and measured.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.provenance import REPOSITORY, RESULTS
from benchmarks.search_catalogue import EMBEDDER, fill
from benchmarks.search_checks import measure_changes, measure_filters
from benchmarks.search_contenders import TOP, Contender, faiss_hnsw, hnswlib_graph, ours, race, usearch_graph
from benchmarks.search_curves import add_curve, measure_curves
from benchmarks.search_features import Pictures, load_pictures, mixtures
from benchmarks.search_report import Measured, write_report
from Data.catalogue import Catalogue
from Data.index.compact import CompactIndex
from Data.index.generations import Generation, current_name, open_generation
from Data.index.live import LiveIndex
from Data.index.rows import Rows

SEED = 20
OTHERS_UP_TO = 100_000
"""Size up to which hnswlib and usearch take part."""

HNSW, WHOLE_PATH = "faiss HNSW32", "compact, whole path"


def main() -> int:
    """Run the benchmark and write its results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000,1000000", help="numbers of vectors, the smallest first")
    parser.add_argument("--encoder", type=Path, default=REPOSITORY / "Model" / "weights" / "resnet34")
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared", help="folder with data/*.tar")
    parser.add_argument("--work", type=Path, default=REPOSITORY / ".similook" / "benchmarks" / "search")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--name", default="search", help="of the files in it")
    parser.add_argument("--queries", type=int, default=400, help="real pictures held out to search with")
    parser.add_argument("--keep", action="store_true", help="go on with what an interrupted run has done")
    arguments = parser.parse_args()
    pictures = load_pictures(arguments.shared, arguments.encoder, arguments.work / "features")
    gallery, queries = pictures.split(arguments.queries, SEED)
    work = arguments.work / f"{pictures.encoder_sha256[:12]}-{arguments.queries}"
    pieces: list[Measured] = []

    def curves(measured: Measured) -> None:
        measure_curves(gallery, queries, work, SEED, measured)

    def one_size(size: int) -> Callable[[Measured], None]:
        return lambda measured: measure_size(work / str(size), size, gallery, queries, measured)

    steps: list[tuple[str, str, Callable[[Measured], None]]] = [("the real vectors", "curves", curves)]
    steps += [(f"{size} vectors", str(size), one_size(size)) for size in map(int, arguments.sizes.split(","))]
    for what, name, measure in steps:
        print(f"== {what}", flush=True)
        if not arguments.keep:
            shutil.rmtree(work / name, ignore_errors=True)
        pieces.append(measured_once(work / name / "measured.json", what, measure))
        write_report(arguments.out, arguments.name, describe_data(gallery, len(queries)), pieces)
    return 0


def describe_data(gallery: Pictures, queries: int) -> str:
    """Return what was measured on, and how, in words."""
    return (
        f"{len(gallery)} real pictures through the encoder {gallery.encoder}, and mixtures of them in feature space up "
        f"to the sizes below; queries are {queries} real pictures that are not in the gallery. Times are of one query "
        "on one thread, the contenders taking turns, the least of three rounds for each query. The graphs search at "
        "the least effort whose recall on these queries is not below compact's; the whole path is what a service does "
        "for a query: filters, changes, the best picture of each product, 200 results deep."
    )


def measured_once(path: Path, what: str, measure: Callable[[Measured], None]) -> Measured:
    """Measure, unless a kept run has: then return what it wrote to this file."""
    known = Measured.load(path)
    if known is None:
        known = Measured(what)
        path.parent.mkdir(parents=True, exist_ok=True)
        measure(known)
        known.save(path)
    return known


def measure_size(root: Path, size: int, gallery: Pictures, queries: NDArray[np.float32], measured: Measured) -> None:
    """Fill a catalogue, build both kinds, and measure everything at this size."""
    if not (root / "filled").is_file():
        for leftover in root.glob("catalogue.sqlite*"):
            leftover.unlink()
        names = [name.lower().replace(" ", "-") for name in gallery.kind_names]
        fill(root / "catalogue.sqlite", mixtures(gallery, size, SEED), names, SEED).close()
        (root / "filled").touch()
    np.save(root / "queries.npy", queries)
    contenders: list[Contender] = []
    for kind in ("exact", "compact"):
        built = probe_build(root, kind)
        stages = {f"{stage}_s": seconds for stage, seconds in built["stages"].items()}
        measured.add(
            "builds", {"size": size, "kind": kind, "all_s": built["seconds"], "peak_mb": built["peak_mb"]} | stages
        )
        generation = open_current(root / kind)
        parameters = describe(generation.manifest.parameters) if kind == "compact" else ""
        columns = generation.columns.memory_bytes()
        contenders.append(ours(kind, generation.index, columns, built["seconds"], parameters))
    makers = [faiss_hnsw] + ([hnswlib_graph, usearch_graph] if size <= OTHERS_UP_TO else [])
    contenders += [make(generation.rows, os.cpu_count() or 1, root) for make in makers]
    with Catalogue.open(f"sqlite:///{root / 'catalogue.sqlite'}") as catalogue:
        live = LiveIndex(root / "compact", catalogue.engine, EMBEDDER)
        compare(root, size, contenders, live, generation.rows, queries, measured)
        measure_filters(size, generation, live, queries[:200], measured)
        measure_changes(size, catalogue, live, measured)
    if size > OTHERS_UP_TO:
        assert isinstance(generation.index, CompactIndex)
        add_curve(f"mixed, {size}", generation.index, generation.rows, queries, measured)


def describe(parameters: dict[str, Any]) -> str:
    """Return what a compact index was tuned to."""
    return f"{parameters['factory']}, nprobe {parameters['nprobe']}, re-rank {parameters['rerank']}"


def compare(
    root: Path,
    size: int,
    contenders: list[Contender],
    live: LiveIndex,
    rows: Rows,
    queries: NDArray[np.float32],
    measured: Measured,
) -> None:
    """Bring the graphs to the recall that compact has, then measure recall, time and memory of all."""

    def whole_path(query: NDArray[np.float32]) -> NDArray[np.int64]:
        return np.array([hit.vector_id - 1 for hit in live.search(query, TOP)[0]], np.int64)  # as fill numbers them

    worst = rows.search(queries, TOP, threads=os.cpu_count() or 1)[0][:, -1]
    reached = next(one for one in contenders if one.name == "compact").recall(queries, rows, worst)
    for contender in contenders:
        contender.match(reached, queries, rows, worst)
    everyone = [*contenders, Contender(WHOLE_PATH, whole_path, 0, 0.0)]
    times = dict(race(everyone, queries))
    p50 = {name: float(np.median(milliseconds)) for name, milliseconds in times.items()}
    for contender in everyone:
        row: dict[str, Any] = {
            "size": size,
            "engine": contender.name,
            "parameters": contender.parameters,
            "recall@10": contender.recall(queries, rows, worst),
            "p50_ms": p50[contender.name],
            "p95_ms": float(np.quantile(times[contender.name], 0.95)),
            "p50_to_hnsw32": p50[contender.name] / p50[HNSW],
        }
        if contender.name != WHOLE_PATH:
            row |= {
                "build_s": contender.build_s,
                "search_mb": contender.memory_bytes / 1e6,
                "bytes_per_vector": contender.memory_bytes / size,
            }
        if contender.name in ("exact", "compact"):
            row |= probe(["memory", str(root), contender.name, str(root / "queries.npy")])
        measured.add("engines", row)


def open_current(directory: Path) -> Generation:
    """Open the current generation of a folder."""
    return open_generation(directory, current_name(directory) or "", EMBEDDER)


def probe(arguments: list[str]) -> dict[str, Any]:
    """Run search_probe and return what it printed."""
    command = [sys.executable, "-m", "benchmarks.search_probe", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    return dict(json.loads(done.stdout))


def probe_build(root: Path, kind: str) -> dict[str, Any]:
    """Build a generation in a process of its own, unless a kept run has."""
    kept = root / f"{kind}.json"
    if not kept.is_file():
        kept.write_text(json.dumps(probe(["build", str(root), kind])), encoding="utf-8")
    return dict(json.loads(kept.read_text(encoding="utf-8")))


if __name__ == "__main__":
    sys.exit(main())
