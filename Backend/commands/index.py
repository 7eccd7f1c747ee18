"""`similook index`: make products findable."""

from typing import TYPE_CHECKING, Annotated

import typer

from Backend.commands.options import DatabaseUrl, DataDir, given, refuse_before_subcommand, settings_with

if TYPE_CHECKING:
    from Backend.indexer import IndexReport
    from Backend.indexing import Indexing

app = typer.Typer(help="Make products findable: look at their pictures, and build the index.")

SHOWN_FAILURES = 20
NOT_WATCHED = ("rebuild", "category", "limit")


@app.callback(invoke_without_command=True)
def index(
    context: typer.Context,
    batch_size: Annotated[int, typer.Option(min=1, max=512, help="Pictures per run of the networks.")] = 8,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Take up failed pictures again, and build a new base in any case.")
    ] = False,
    category: Annotated[list[str] | None, typer.Option(help="Only these slugs; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many pictures.", show_default=False)] = None,
    model_version: Annotated[
        str | None, typer.Option(help="The encoder to look with: a folder of weights.", show_default=False)
    ] = None,
    index: Annotated[
        str | None, typer.Option(help="Kind of the base: auto, exact, compact or faiss.", show_default=False)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on with what comes, until Ctrl-C.")] = False,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Refuse a new base whose recall or completeness falls.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Batches looked at side by side; default: one per core.")
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Look at the pictures that have not been looked at, and build the index when that is due."""
    if context.invoked_subcommand is not None:
        refuse_before_subcommand(context)
        return
    for name in NOT_WATCHED:
        if watch and given(context, name):
            raise typer.BadParameter("goes without --watch, which takes up every picture", param_hint=f"--{name}")
    from Backend.indexing import Indexing

    settings = settings_with(data_dir=data_dir, database_url=database_url, encoder=model_version, index_kind=index)
    with Indexing.open(settings, batch_size, workers, evaluate) as work:
        if watch:
            _watch(work)
            return
        report = _run(work, frozenset(category or ()), limit, rebuild)
        if rebuild or work.is_due():
            manifest = work.build()
            typer.echo(f"Built the index {manifest.generation}: {manifest.count} vectors, kind {manifest.kind}.")
    _tell(report)
    if report.failed and not report.succeeded:
        raise typer.Exit(1)


@app.command()
def rollback(data_dir: DataDir = None) -> None:
    """Go back to the base before this one; workers follow within a second."""
    from Data.index.generations import rollback as go_back

    manifest = go_back(settings_with(data_dir=data_dir).index_dir)
    typer.echo(f"The index is back at {manifest.generation}: {manifest.count} vectors of {manifest.created_at}.")


@app.command()
def facts(
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Say what the index is made of."""
    from Data.errors import IndexMissing
    from Data.index.generations import current_name
    from Data.index.manifest import read_manifest

    directory = settings_with(data_dir=data_dir).index_dir
    name = current_name(directory)
    if name is None:
        raise IndexMissing("There is no index yet: run `similook index`.")
    manifest = read_manifest(directory / name)
    if as_json:
        typer.echo(manifest.model_dump_json(indent=2))
        return
    recall = "not measured" if manifest.recall is None else f"{manifest.recall:.4f}"
    typer.echo(
        f"generation {manifest.generation}, {manifest.kind}, {manifest.count} vectors of {manifest.products} products, "
        f"{manifest.dim} dimensions, recall@10 {recall}, embedder {manifest.embedder_id}, built {manifest.created_at} "
        f"in {manifest.build_s:.1f} s"
    )


def _run(work: "Indexing", categories: frozenset[str], limit: int | None, rebuild: bool) -> "IndexReport":
    """Run once with a progress bar."""
    from Backend.commands.progress import bar
    from Backend.indexer import Selection

    stats = work.catalogue.stats(work.embedder.embedder_id)
    with bar("Looking at pictures", min(stats.pending, limit or stats.pending)) as advance:
        return work.run(
            Selection(categories=categories, limit=limit),
            retry_failed=rebuild,
            progress=lambda report: advance(report.processed),
        )


def _watch(work: "Indexing") -> None:
    """Watch until Ctrl-C or SIGTERM."""
    import signal
    import threading

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    work.watch(stop)


def _tell(report: "IndexReport") -> None:
    """Print what a run did."""
    typer.echo(
        f"processed {report.processed}, succeeded {report.succeeded}, failed {len(report.failed)}, "
        f"skipped {report.skipped}, elapsed {report.elapsed_s:.1f} s, {report.ms_per_product:.1f} ms per product"
    )
    for failure in report.failed[:SHOWN_FAILURES]:
        names = ", ".join(failure.product_ids) or failure.sha256
        typer.echo(f"  {names}: {failure.reason}", err=True)
    if len(report.failed) > SHOWN_FAILURES:
        typer.echo(f"  and {len(report.failed) - SHOWN_FAILURES} more", err=True)
