"""Options that several commands take, and the settings that they give."""

from pathlib import Path
from typing import Annotated, Any

import typer

from Backend.settings import Settings

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder of all state.", show_default=False)]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="SQLAlchemy URL.", show_default=False)]


def refuse_before_subcommand(context: typer.Context) -> None:
    """Refuse options between a command and its subcommand, which has its own and would never see them.

    Raises:
        typer.BadParameter: one was given there.
    """
    for parameter in context.command.params:
        if given(context, parameter.name):
            raise typer.BadParameter(
                f"it does not count for `{context.invoked_subcommand}`; what that takes stands after its name",
                param_hint=parameter.opts[0],
            )


def given(context: typer.Context, name: str | None) -> bool:
    """Return whether an option was written on the command line."""
    source = context.get_parameter_source(name) if name else None
    return source is not None and source.name == "COMMANDLINE"


def settings_with(**overrides: Any) -> Settings:
    """Return the environment's settings with options on top; None leaves a setting as it is."""
    given = {name: value for name, value in overrides.items() if value is not None}
    return Settings(**given)
