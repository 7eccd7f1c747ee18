"""`similook models`: the networks' weights."""

from typing import Annotated

import typer

from Backend.commands.options import settings_with

app = typer.Typer(help="The networks' weights.", no_args_is_help=True)


@app.command("list")
def list_models_() -> None:
    """List the weights that can be used, with their licences."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from Model.card import Card
    from Model.weights import list_models

    table = Table("Name", "Kind", "Precision", "Dim", "Licence", "Source")
    for name, folder in sorted(list_models(settings_with().models).items()):
        card = Card.load(folder)
        dim = "" if card.kind == "segmenter" else str(card.dim)
        table.add_row(escape(name), card.kind, card.precision, dim, escape(card.licence), escape(card.source))
    Console().print(table)


@app.command()
def fetch(
    name: Annotated[str | None, typer.Argument(help="What to fetch; without it, the choices are listed.")] = None,
) -> None:
    """Fetch published weights into the models folder (needs the training install and the network)."""
    from Backend.folders import make_folder
    from Model.training.fetch import fetch as download
    from Model.training.fetch import names

    if name is None:
        typer.echo("\n".join(names()))
        return
    settings = settings_with()
    make_folder(settings.models)
    typer.echo(f"{download(name, settings.models)} is there; name it in SIMILOOK_ENCODER or SIMILOOK_SEGMENTER.")
