"""`similook train`: the classifier on a shop's own labels. Needs the training install (torch)."""

from pathlib import Path
from typing import Annotated

import typer

from Backend.commands.options import DatabaseUrl, DataDir, settings_with

app = typer.Typer(help="Train on your own labels.", no_args_is_help=True)


@app.command()
def classifier(
    data: Annotated[
        Path | None,
        typer.Option(help="Manifest CSV, or a folder with one folder per class; default: the catalogue."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of weights; default: the one that is served.")] = None,
    further: Annotated[
        bool, typer.Option("--further", help="Keep the labels of the classifier that is there; others are refused.")
    ] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Train the classifier; the running service takes it up without a restart."""
    from Backend.errors import TrainingMissing
    from Backend.services import open_embedder
    from Backend.settings import available_cores

    settings = settings_with(data_dir=data_dir, database_url=database_url)
    try:
        from Model.training.train_classifier import train_classifier
    except ImportError as error:
        raise TrainingMissing(error.name or "torch") from error

    embedder = open_embedder(
        settings.model_copy(update={"threads": settings.threads or available_cores(), "classifier": ""})
    )
    folder = out or settings.models / (settings.classifier or "classifier")
    if data is None:
        from Backend.labelled import write_manifest

        data = write_manifest(settings)
    card = train_classifier(data, folder, embedder, further=further)
    measured = ", ".join(f"{name} {value:.3f}" for name, value in card.metrics.items() if isinstance(value, float))
    typer.echo(f"{folder} holds a classifier of {len(card.labels)} labels: {measured}.")
