"""`similook import`: a catalogue from a shop's own file or a published set."""

from pathlib import Path
from typing import Annotated

import typer

from Backend.commands.options import DatabaseUrl, DataDir, settings_with

SHOWN_PROBLEMS = 20


def import_(
    name: Annotated[str, typer.Argument(help="Of the layout: table, clothing-dataset, fashion-product-images, ...")],
    path: Annotated[Path, typer.Argument(help="File, folder or tar.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder or tar with the pictures, if they lie elsewhere.", show_default=False)
    ] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="field=column, over what is guessed; may be repeated.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Of prices that come without one.", show_default=False)] = None,
    source: Annotated[
        str | None, typer.Option(help="Name of the feed, kept with each product.", show_default=False)
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take products and their pictures into the catalogue. Bad rows are reported and never stop the rest."""
    from Backend.commands.progress import bar
    from Backend.services import open_catalogue, open_images
    from Data.importers import ImportOptions, open_source, run_import
    from Data.importers.table import Table, describe

    settings = settings_with(data_dir=data_dir, database_url=database_url)
    importer = open_source(name, path, ImportOptions(images, _mapping(map_ or []), currency))
    if isinstance(importer, Table):
        typer.echo(f"Columns: {describe(importer.columns, importer.header)}")
    with open_catalogue(settings) as catalogue:
        catalogue.migrate()
        with bar("Importing", importer.total) as advance:
            report = run_import(
                importer, catalogue, open_images(settings), source or name, lambda now: advance(now.rows)
            )
    done = report.upserts
    typer.echo(
        f"rows {report.rows}, created {done.created}, changed {done.changed + done.picture_changed}, "
        f"unchanged {done.unchanged}, problems {report.problem_count}"
    )
    for problem in report.problems[:SHOWN_PROBLEMS]:
        typer.echo(f"  row {problem.row}: {problem.reason}", err=True)
    if report.problem_count > SHOWN_PROBLEMS:
        typer.echo(f"  and {report.problem_count - SHOWN_PROBLEMS} more", err=True)
    typer.echo("Run `similook index` to make them findable.")


def _mapping(pairs: list[str]) -> dict[str, str]:
    """Read `field=column` pairs."""
    mapping = {}
    for pair in pairs:
        field, sign, column = pair.partition("=")
        if not sign or not field or not column:
            raise typer.BadParameter(f"{pair!r} is not field=column, for example name=title", param_hint="--map")
        mapping[field] = column
    return mapping
