"""`similook backup` and `similook restore`: the whole catalogue in one file."""

from pathlib import Path
from typing import Annotated

import typer

from Backend.commands.options import DatabaseUrl, DataDir, settings_with


def backup(
    target: Annotated[Path, typer.Argument(help="A new folder, or a file that ends in .tar, .tar.gz or .tgz.")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write tables and pictures as they are at one instant; the service goes on. Keys and passwords are left out."""
    from Backend.services import open_catalogue, open_images
    from Data.backup import backup as write

    settings = settings_with(data_dir=data_dir, database_url=database_url)
    with open_catalogue(settings) as catalogue:
        manifest = write(catalogue, open_images(settings), target, settings.index_dir)
    typer.echo(f"{target} holds {manifest.products} products and {manifest.images} pictures.")
    for sha256 in manifest.missing_images:
        typer.echo(f"  missing: the picture {sha256}", err=True)


def restore(
    source: Annotated[Path, typer.Argument(help="What `similook backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Throw away what the catalogue holds now.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring a backup back, after checking every file of it."""
    from Backend.services import open_catalogue, open_images
    from Data.backup import restore as bring_back

    settings = settings_with(data_dir=data_dir, database_url=database_url)
    with open_catalogue(settings) as catalogue:
        manifest = bring_back(source, catalogue, open_images(settings), replace)
    typer.echo(f"Restored {manifest.products} products and {manifest.images} pictures.")
    typer.echo("Run `similook index --rebuild` to build the index from the saved features.")
