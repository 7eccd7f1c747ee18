"""`similook key`: who may write."""

from typing import Annotated

import typer

from Backend.commands.options import DataDir, settings_with

app = typer.Typer(help="API keys.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who holds it.")],
    scope: Annotated[list[str] | None, typer.Option(help="catalogue, metrics; may be repeated.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key and print it: the only time it can be seen."""
    from Backend.security import SCOPES
    from Backend.services import api_keys

    wanted = tuple(known for known in SCOPES if known in (scope or ["catalogue"]))
    unknown = sorted(set(scope or ()) - set(SCOPES))
    if unknown:
        raise typer.BadParameter(f"there is no scope {unknown[0]!r}; choose among {', '.join(SCOPES)}")
    typer.echo(api_keys(settings_with(data_dir=data_dir)).create(name, wanted))


@app.command("list")
def list_keys(data_dir: DataDir = None) -> None:
    """List the keys that were made, without the keys themselves."""
    from Backend.services import api_keys

    for key in api_keys(settings_with(data_dir=data_dir)).all():
        typer.echo(f"{key.name}\t{','.join(key.scopes)}\t{key.created_at}")


@app.command()
def revoke(name: str, data_dir: DataDir = None) -> None:
    """Forget a key; it stops working at once."""
    from Backend.services import api_keys

    api_keys(settings_with(data_dir=data_dir)).revoke(name)
    typer.echo(f"The key {name!r} no longer works.")


@app.command()
def first(data_dir: DataDir = None) -> None:
    """Print the first key, which may do everything; it is made when there is none."""
    from Backend.services import api_keys

    typer.echo(api_keys(settings_with(data_dir=data_dir)).first_key())
