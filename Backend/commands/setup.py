"""What runs once before the service does: tables, the sample catalogue, secrets."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from Backend.commands.options import DatabaseUrl, DataDir, settings_with


def setup(
    sample: Annotated[
        Literal["yes", "no"], typer.Option(help="Take the drawn sample into an empty catalogue.")
    ] = "yes",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring the tables up to date and, if the catalogue is empty, draw the sample catalogue into it."""
    from Backend.samples import draw_into
    from Backend.services import api_keys, open_catalogue

    settings = settings_with(data_dir=data_dir, database_url=database_url)
    with open_catalogue(settings) as catalogue:
        catalogue.migrate()
        typer.echo("The tables are up to date.")
        api_keys(settings).first_key()
        if sample == "yes" and catalogue.count() == 0:
            draw_into(catalogue, settings)
        typer.echo(f"The catalogue holds {catalogue.count()} products.")


def secrets(
    files: Annotated[list[Path], typer.Argument(help="One secret is made in each that does not exist.")],
    shared: Annotated[
        bool, typer.Option("--shared", help="Let other users read them: for a volume that only services mount.")
    ] = False,
) -> None:
    """Make secrets, readable by their owner alone unless shared; those that exist stay as they are."""
    from Backend.secretfiles import read_or_create
    from Backend.security import new_key

    for file in files:
        read_or_create(file, new_key, at_least=20)
        if shared:
            file.chmod(0o444)
        typer.echo(f"{file} is there.")
