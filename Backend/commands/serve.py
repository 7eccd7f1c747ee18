"""`similook serve`: the HTTP service."""

from typing import Annotated

import typer

from Backend.commands.options import DatabaseUrl, DataDir, settings_with


def serve(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", show_default=False)] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that serve.", show_default=False)] = None,
) -> None:
    """Serve the API until Ctrl-C."""
    from Backend.logs import configure_logging
    from Backend.serving import serve as serve_forever

    settings = settings_with(data_dir=data_dir, database_url=database_url, host=host, port=port, workers=workers)
    configure_logging(settings)
    serve_forever(settings)
