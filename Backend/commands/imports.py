"""`similook import`: a shop's products into the catalogue."""

from pathlib import Path
from typing import Annotated

import typer

from Backend.commands.options import DatabaseUrl, DataDir, settings_with

SHOWN_PROBLEMS = 20


def import_(
    name: Annotated[str, typer.Argument(help="The layout: table, clothing-dataset, fashion-product-images, ...")],
    path: Annotated[Path, typer.Argument(help="The file, folder or tar.")],
    images: Annotated[Path | None, typer.Option(help="Folder or tar of the pictures.", show_default=False)] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--map", help="FIELD=COLUMN; may be repeated.", show_default=False)
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Of prices that come without one.", show_default=False)] = None,
    source: Annotated[str | None, typer.Option(help="Name of the feed; the layout's.", show_default=False)] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Import products; running it again goes on where it stopped and changes only what is new."""
    from Backend.commands.progress import bar
    from Backend.services import open_catalogue, open_images
    from Data.importers import ImportOptions, open_source, run_import
    from Data.importers.table import Table, describe

    settings = settings_with(data_dir=data_dir, database_url=database_url)
    importer = open_source(name, path, ImportOptions(images, _mapping(columns), currency))
    if isinstance(importer, Table):
        typer.echo(f"Columns: {describe(importer.columns, importer.header)}")
    with open_catalogue(settings) as catalogue:
        catalogue.migrate()
        with bar(f"Importing {path.name}", importer.total) as advance:
            report = run_import(
                importer, catalogue, open_images(settings), source or name, lambda now: advance(now.rows)
            )
    for problem in report.problems[:SHOWN_PROBLEMS]:
        typer.echo(f"Row {problem.row}: {problem.reason}", err=True)
    if report.problem_count > SHOWN_PROBLEMS:
        typer.echo(f"... and {report.problem_count - SHOWN_PROBLEMS} more.", err=True)
    done = report.upserts
    typer.echo(
        f"{report.rows} rows: {done.created} created, {done.changed + done.picture_changed} changed, "
        f"{done.unchanged} unchanged, {report.problem_count} problems."
    )
    if done.created or done.picture_changed:
        typer.echo("Run `similook index` to make them searchable.")


def _mapping(columns: list[str] | None) -> dict[str, str]:
    mapping = {}
    for entry in columns or ():
        field, equals, column = entry.partition("=")
        if not equals:
            raise typer.BadParameter(f"{entry!r} is not FIELD=COLUMN", param_hint="--map")
        mapping[field.strip()] = column.strip()
    return mapping
