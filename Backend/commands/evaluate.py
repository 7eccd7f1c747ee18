"""`similook evaluate`: how good the eye is on labelled pictures."""

import platform
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from Backend.commands.options import DatabaseUrl, DataDir, refuse_before_subcommand, settings_with

if TYPE_CHECKING:
    from pydantic import JsonValue

app = typer.Typer(help="How good the eye is on labelled pictures.", invoke_without_command=True)

Out = Annotated[Path, typer.Option(help="Folder for the reports.")]


@app.callback()
def evaluate(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(help="Manifest CSV, or a folder with one folder per class; default: the catalogue."),
    ] = None,
    against: Annotated[str | None, typer.Option(help="A second encoder to compare with.")] = None,
    limit: Annotated[int | None, typer.Option(min=10, help="At most so many pictures, evenly picked.")] = None,
    instances: Annotated[int, typer.Option(min=0, help="Strong views for the instance recall.")] = 200,
    out: Out = Path("evaluation"),
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Measure accuracy, P@k, mAP, instance recall and latency, with 95 % intervals over groups."""
    if context.invoked_subcommand is not None:
        refuse_before_subcommand(context)
        return
    from Backend.commands.progress import bar
    from Backend.evaluation import encoder_settings, read_labelled
    from Backend.evaluation import evaluate as measure
    from Backend.folders import make_output_folder
    from Backend.labelled import write_manifest
    from Backend.services import open_embedder

    make_output_folder(out)  # not only after all that is to be written to it
    settings = settings_with(data_dir=data_dir, database_url=database_url)
    pictures = read_labelled(data or write_manifest(settings))
    if limit is not None and limit < len(pictures):
        pictures = [pictures[number * len(pictures) // limit] for number in range(limit)]
    embedders = {settings.encoder: open_embedder(settings)}
    if against == settings.encoder:
        raise typer.BadParameter(f"{against} is the encoder that is measured already", param_hint="--against")
    if against is not None:
        embedders[against] = open_embedder(encoder_settings(settings, against))
    with bar("Looking", len(pictures) * len(embedders)) as advance:
        table = measure(
            pictures,
            embedders,
            instances,
            facts(str(data or "the catalogue")),
            out,
            lambda name, done, total: advance(list(embedders).index(name) * total + done),
        )
    typer.echo(table)
    typer.echo(f"Written to {out}: evaluation.md, evaluation.json, evaluation.html.")


@app.command()
def api(
    path: Annotated[Path, typer.Argument(help="The set: a folder or tar.")],
    split: Annotated[Path, typer.Option(help="CSV with the column image: the photos to ask with.")],
    name: Annotated[str, typer.Option(help="The set's importer.")] = "clothing-dataset",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many queries.")] = None,
    port: Annotated[int, typer.Option(help="Port of the service that is started for it.")] = 8099,
    out: Out = Path("evaluation"),
    data_dir: Annotated[Path, typer.Option(help="Folder for the catalogue that is made.")] = Path("evaluation/data"),
) -> None:
    """Import a set, index it, and ask through the HTTP API with the photos of a split that no training step saw."""
    from Backend.commands.demo import api_part
    from Backend.commands.progress import bar
    from Backend.evaluation_api import ask, fill, read_split
    from Backend.folders import make_output_folder
    from Backend.serving import require_free
    from Backend.supervisor import Supervisor
    from Data.importers import open_source

    make_output_folder(out)
    settings = settings_with(data_dir=data_dir, port=port)
    require_free(settings.host, settings.port, "--port")
    source, held_out = open_source(name, path), read_split(split)
    typer.echo("Importing and indexing.")
    fill(settings, source, held_out)
    with Supervisor() as parts:
        parts.start(api_part(settings))
        parts.wait_ready(120)
        with bar("Asking", None) as advance:
            found = ask(
                f"http://{settings.host}:{settings.port}",
                settings,
                source,
                held_out,
                limit,
                lambda stage, done, total: advance(done),
            )
    said = facts(f"{path.name}: {found.catalogue} photos as catalogue, {found.queries} of {split.name} as queries")
    lines = "\n".join(f"- {key}: {value}" for key, value in said.items())
    (out / "api.md").write_text(f"# The main job, through the HTTP API\n\n{lines}\n\n{found.to_markdown()}\n")
    typer.echo(found.to_markdown())
    typer.echo(f"Written to {out / 'api.md'}.")


def facts(data: str) -> "dict[str, JsonValue]":
    """Return where figures come from: command, commit, machine, data, day."""
    git = shutil.which("git")  # a container has none
    commit = subprocess.run([git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout if git else ""
    return {
        "command": shlex.join(["similook", *sys.argv[1:]]),
        "commit": commit.strip() or "unknown",
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "data": data,
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
    }
