"""`similook`: the command line. Each command is a small module of Backend/commands, and one line here.

What a command needs is imported when it runs, so that `similook --help` stays quick.
"""

import os
import signal
import sys
from typing import Annotated

import typer
from pydantic import ValidationError

from Backend import VERSION
from Backend.commands import (
    audit,
    backup,
    database,
    demo,
    evaluate,
    feeds,
    index,
    keys,
    models,
    search,
    serve,
    setup,
    stats,
    train,
)

app = typer.Typer(
    name="similook",
    help="Visual search for fashion shops: a photo in, the most similar products out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("setup")(setup.setup)
app.command("secrets")(setup.secrets)
app.command("import")(feeds.import_)
app.command("sync")(feeds.sync)
app.command("search")(search.search)
app.command("audit")(audit.audit)
app.command("stats")(stats.stats)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(index.app, name="index")
app.add_typer(database.app, name="db")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(train.app, name="train")
app.add_typer(models.app, name="models")
app.add_typer(keys.app, name="key")

INTERRUPTED = 130


def say_version(asked: bool) -> None:
    """Print the version and end."""
    if asked:
        typer.echo(VERSION)
        raise typer.Exit


@app.callback()
def common(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Set up logging for a person who watches."""
    from Backend.logs import configure_logging
    from Backend.settings import Settings, export

    level = "debug" if verbose else "warning"
    configure_logging(Settings().model_copy(update={"log_level": level, "log_format": "console"}))
    if verbose:
        export({"SIMILOOK_LOG_LEVEL": level})  # for what the command starts, and a service's own log


def main() -> None:
    """Run the command line; an error of ours is told in its one sentence."""
    from Backend.errors import BackendError
    from Backend.settings import what_is_wrong
    from Data.errors import DataError
    from Model.errors import ModelError

    try:
        app()
    except (BackendError, DataError, ModelError) as error:
        _end(str(error), 1)
    except ValidationError as error:
        _end(what_is_wrong(error), 2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; silence the interpreter's own flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


def _end(message: str, status: int) -> None:
    typer.secho(message, err=True, fg=typer.colors.RED)
    sys.exit(status)


if __name__ == "__main__":
    main()
