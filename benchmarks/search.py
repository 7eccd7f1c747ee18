"""Search at 10 thousand, 100 thousand and a million vectors: exact, compact and HNSW side by side, filters, changes.

python -m benchmarks.search [--sizes 10000,100000] [--encoder FOLDER] [--work FOLDER]

The vectors are real features and mixtures of them (search_features.py); the queries are real pictures held out. A
million takes some 12 GB of disk and, with HNSW's build, more than half an hour on two cores, so --sizes asks for it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.provenance import REPOSITORY
from benchmarks.search_catalogue import EMBEDDER, fill
from benchmarks.search_checks import measure_changes, measure_filters
from benchmarks.search_contenders import TOP, Contender, faiss_hnsw, hnswlib_graph, ours, race, usearch_graph
from benchmarks.search_features import Pictures, load_pictures, mixtures
from benchmarks.search_report import Findings, write_report
from Data.catalogue import Catalogue
from Data.index.base import BuildOptions
from Data.index.compact import CompactIndex
from Data.index.generations import ROWS, Generation, current_name, open_generation
from Data.index.kinds import kind_named
from Data.index.live import LiveIndex
from Data.index.rows import Rows, RowsWriter

SEED = 20
GRAPHS_UP_TO = 100_000


def main() -> int:
    """Run the benchmark and write its results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000", help="numbers of vectors")
    parser.add_argument("--encoder", type=Path, default=REPOSITORY / "Model" / "weights" / "resnet34")
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared", help="folder with data/*.tar")
    parser.add_argument("--work", type=Path, default=REPOSITORY / ".similook" / "benchmarks" / "search")
    parser.add_argument("--name", default="search", help="of the files in docs/results")
    parser.add_argument("--hnsw-up-to", type=int, default=10**9, help="largest size at which HNSW is built")
    parser.add_argument("--queries", type=int, default=400, help="to measure with, and as many to tune the graphs with")
    parser.add_argument("--no-curves", action="store_true", help="leave out recall against lists on the real vectors")
    parser.add_argument("--keep", action="store_true", help="use what an interrupted run has filled and built")
    arguments = parser.parse_args()
    pictures = load_pictures(arguments.shared, arguments.encoder, arguments.work / "features")
    gallery, queries = pictures.split(2 * arguments.queries, SEED)
    findings = Findings(arguments.name, pictures.encoder, len(gallery))
    kept = arguments.work / "curves.json"
    if arguments.keep and kept.is_file():
        findings.curves = json.loads(kept.read_text(encoding="utf-8"))
    elif not arguments.no_curves:
        measure_curves(gallery, queries[arguments.queries :], arguments.work, findings)
        kept.write_text(json.dumps(findings.curves), encoding="utf-8")
    for size in (int(text) for text in arguments.sizes.split(",")):
        root = arguments.work / f"{size}"
        if not arguments.keep:
            shutil.rmtree(root, ignore_errors=True)
        measure_size(root, size, gallery, queries, arguments.hnsw_up_to, findings)
        write_report(findings)
    return 0


def measure_curves(gallery: Pictures, queries: NDArray[np.float32], work: Path, findings: Findings) -> None:
    """Measure recall against the lists searched, on the real vectors and on as many mixtures of them."""
    blocks = [vectors for vectors, _ in mixtures(gallery, 2 * len(gallery), SEED)]
    mixed = np.concatenate(blocks[1:])
    for name, vectors in (("real", gallery.vectors), ("mixed", mixed)):
        folder = work / f"curve-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with RowsWriter(folder / ROWS, vectors.shape[1]) as writer:
            writer.add(vectors)
        rows = Rows.open(folder / ROWS, vectors.shape[1], len(vectors))
        parameters = kind_named("compact").build(rows, folder, BuildOptions(threads=os.cpu_count() or 1))
        add_curve(f"{name}, {len(vectors)}", CompactIndex.open(rows, folder, parameters), rows, queries, findings)


def add_curve(name: str, index: CompactIndex, rows: Rows, queries: NDArray[np.float32], findings: Findings) -> None:
    """Note recall@10 against the number of lists searched, 300 candidates scored exactly."""
    truth = rows.search(queries, TOP)[0][:, -1]
    index.rerank = 300
    for nprobe in [step for step in (1 << power for power in range(12)) if step <= index.nlist]:
        index.nprobe = nprobe
        good = [(index.search(q[None], TOP).scores[0] >= w - 1e-5).mean() for q, w in zip(queries, truth, strict=True)]
        findings.curves.append(
            {"vectors": name, "lists": index.nlist, "nprobe": nprobe, "recall": float(np.mean(good))}
        )


def measure_size(
    root: Path, size: int, gallery: Pictures, queries: NDArray[np.float32], hnsw_up_to: int, findings: Findings
) -> None:
    """Fill a catalogue, build both kinds, and measure everything at this size."""
    root.mkdir(parents=True, exist_ok=True)
    print(f"== {size} vectors", flush=True)
    if not (root / "filled").is_file():
        for leftover in root.glob("catalogue.sqlite*"):
            leftover.unlink()
        names = [name.lower().replace(" ", "-") for name in gallery.kind_names]
        fill(root / "catalogue.sqlite", mixtures(gallery, size, SEED), names, SEED).close()
        (root / "filled").touch()
    measuring = queries[len(queries) // 2 :]
    np.save(root / "queries.npy", measuring)
    built = {kind: probe_build(root, kind) for kind in ("exact", "compact")}
    generations = {kind: open_current(root / kind) for kind in built}
    compact = generations["compact"]
    contenders = [
        ours(
            kind,
            generation.index,
            generation.columns.memory_bytes(),
            built[kind]["seconds"],
            describe(generation.manifest.parameters) if kind == "compact" else "",
        )
        for kind, generation in generations.items()
    ]
    makers = [faiss_hnsw] if size <= hnsw_up_to else []
    makers += [hnswlib_graph, usearch_graph] if size <= GRAPHS_UP_TO else []
    contenders += [make(compact.rows, os.cpu_count() or 1, root) for make in makers]
    with Catalogue.open(f"sqlite:///{root / 'catalogue.sqlite'}") as catalogue:
        live = LiveIndex(root / "compact", catalogue.engine, EMBEDDER)
        compare(root, size, contenders, live, compact.rows, queries, built, findings)
        write_report(findings)
        measure_filters(size, compact, live, measuring[:200], findings)
        measure_changes(size, catalogue, live, findings)
    if size > GRAPHS_UP_TO:
        assert isinstance(compact.index, CompactIndex)
        add_curve(f"mixed, {size}", compact.index, compact.rows, measuring, findings)


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
    built: dict[str, Any],
    findings: Findings,
) -> None:
    """Bring the graphs to the recall that compact has, then measure recall, time and memory of all."""
    tuning, measuring = queries[: len(queries) // 2], queries[len(queries) // 2 :]
    tenth = {True: rows.search(tuning, TOP)[0][:, -1], False: rows.search(measuring, TOP)[0][:, -1]}
    reached = next(contender for contender in contenders if contender.name == "compact").recall(
        tuning, rows, tenth[True]
    )
    for contender in contenders:
        contender.tune(reached, tuning, rows, tenth[True])
    whole = Contender("compact, whole path", lambda query: np.array([len(live.search(query, TOP))]), 0, 0.0)
    times = dict(race([*contenders, whole], measuring))
    for contender in contenders:
        ours_too = contender.name in built
        memory = probe(["memory", str(root), contender.name, str(root / "queries.npy")]) if ours_too else {}
        findings.engines.append(
            {
                "size": size,
                "engine": contender.name,
                "parameters": contender.parameters,
                "recall@10": contender.recall(measuring, rows, tenth[False]),
                "p50_ms": float(np.median(times[contender.name])),
                "p95_ms": float(np.quantile(times[contender.name], 0.95)),
                "build_s": contender.build_s,
                "build_peak_mb": built[contender.name]["peak_mb"] if ours_too else None,
                "search_mb": contender.memory_bytes / 1e6,
                "bytes_per_vector": contender.memory_bytes / size,
                "open_s": memory.get("open_s"),
                "resident_mb": json.dumps(memory["resident_mb"]) if memory else None,
            }
        )
        print(findings.engines[-1], flush=True)
    path = times[whole.name]
    p50, p95 = float(np.median(path)), float(np.quantile(path, 0.95))
    findings.engines.append({"size": size, "engine": whole.name, "p50_ms": p50, "p95_ms": p95})


def open_current(directory: Path) -> Generation:
    """Open the current generation of a folder."""
    return open_generation(directory, current_name(directory) or "", EMBEDDER)


def probe(arguments: list[str]) -> dict[str, Any]:
    """Run search_probe and return what it printed."""
    command = [sys.executable, "-m", "benchmarks.search_probe", *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY).stdout)


def probe_build(root: Path, kind: str) -> dict[str, Any]:
    """Build a generation in a process of its own, unless a kept run has."""
    kept = root / f"{kind}.json"
    if not kept.is_file():
        kept.write_text(json.dumps(probe(["build", str(root), kind])), encoding="utf-8")
    return json.loads(kept.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
