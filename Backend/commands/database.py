"""`similook db`: the tables."""

import typer

from Backend.commands.options import DatabaseUrl, DataDir, settings_with

app = typer.Typer(help="The catalogue's tables.", no_args_is_help=True)


@app.command()
def upgrade(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Bring the tables up to date; several at once take turns."""
    from Backend.services import open_catalogue

    with open_catalogue(settings_with(data_dir=data_dir, database_url=database_url)) as catalogue:
        catalogue.migrate()
    typer.echo("The tables are up to date.")


@app.command()
def check(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Say whether the tables are this program's, and count what is in them."""
    from Backend.services import open_catalogue

    with open_catalogue(settings_with(data_dir=data_dir, database_url=database_url)) as catalogue:
        catalogue.check()
        typer.echo(f"The tables are up to date and hold {catalogue.count()} products.")
