"""`similook demo`: everything on this machine, with the drawn sample catalogue."""

import math
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from Backend.commands.options import DataDir, settings_with

if TYPE_CHECKING:
    from Backend.settings import Settings
    from Backend.supervisor import Part

READY_S = 120.0


def demo(
    port: Annotated[int | None, typer.Option(help="Port of the API.", show_default=False)] = None,
    page_port: Annotated[int | None, typer.Option(help="Port of the page.", show_default=False)] = None,
    no_page: Annotated[bool, typer.Option("--no-page", help="Only the API.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Draw and index the sample catalogue if need be, and start the API and the page; Ctrl-C stops both."""
    from Backend.samples import prepare
    from Backend.serving import require_free
    from Backend.supervisor import Supervisor

    settings = settings_with(data_dir=data_dir, port=port, page_port=page_port)
    require_free(settings.host, settings.port, "--port (with make: PORT=8001)")
    if not no_page:
        require_free(settings.page_host, settings.page_port, "--page-port (with make: PAGE_PORT=8502)")
    with Supervisor() as parts:
        parts.stop_on_signals()
        if not no_page:
            parts.start(page_part(settings))  # first: it loads while the catalogue is looked after
        prepare(settings, typer.echo)
        parts.start(api_part(settings))
        if not parts.wait_ready(READY_S):
            return
        typer.secho(f"API   http://{settings.host}:{settings.port}/docs", bold=True)
        if not no_page:
            typer.secho(f"Page  http://{settings.page_host}:{settings.page_port}", bold=True)
        typer.echo("Press Ctrl-C to stop.")
        parts.wait()
    typer.echo("Stopped.")


def api_part(settings: "Settings") -> "Part":
    """Return the API as a part to start, which logs little unless the settings say more."""
    from Backend.settings import REPOSITORY, child_environment
    from Backend.supervisor import Part

    variables = {"SIMILOOK_LOG_LEVEL": "warning", "SIMILOOK_LOG_FORMAT": "console"} | settings.environment()
    return Part(
        name="API",
        command=[sys.executable, "-m", "Backend.cli", "serve"],
        environment=child_environment(variables),
        folder=REPOSITORY,
        ready_url=f"http://{settings.host}:{settings.port}/readyz",
    )


def page_part(settings: "Settings") -> "Part":
    """Return the page as a part to start."""
    from Backend.settings import REPOSITORY, child_environment
    from Backend.supervisor import Part

    return Part(
        name="page",
        command=[
            *(sys.executable, "-m", "streamlit", "run", "demo.py"),
            *("--server.address", settings.page_host),
            *("--server.port", str(settings.page_port)),
            *("--server.headless", "true"),
            *("--server.fileWatcherType", "none"),
            *("--server.maxUploadSize", str(math.ceil(settings.max_upload_mb))),  # else its config.toml counts
            *("--browser.gatherUsageStats", "false"),
        ],
        environment=child_environment({"SIMILOOK_API_URL": f"http://{settings.host}:{settings.port}"}),
        folder=REPOSITORY / "Frontend",
        ready_url=f"http://{settings.page_host}:{settings.page_port}/_stcore/health",
        quiet=True,
    )
