"""Options that several commands take, and the settings that they give."""

from pathlib import Path
from typing import Annotated, Any

import typer

from Backend.settings import Settings

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Folder of all state.", show_default=False)]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="SQLAlchemy URL.", show_default=False)]


def settings_with(**overrides: Any) -> Settings:
    """Return the environment's settings with options on top; None leaves a setting as it is."""
    given = {name: value for name, value in overrides.items() if value is not None}
    return Settings(**given)
