"""Start the worker processes of the HTTP service."""

import socket
import sys

import uvicorn
from pydantic import ValidationError

from Backend.errors import BackendError, PortInUse
from Backend.folders import make_output_folder
from Backend.metric_files import clear
from Backend.services import check_networks, open_catalogue
from Backend.settings import Settings, export, what_is_wrong
from Data.errors import DataError
from Model.errors import ModelError

GRACE_S = 10
WORKER_START_S = 120
"""A worker that does not answer its parent for so long is replaced. Uvicorn's five seconds are less than a start takes
on a busy machine, and a worker that is killed while it starts is started again, for ever."""


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; requests under way get ten seconds to end.

    Args:
        settings: travel to the workers through the environment.
    Raises:
        PortInUse: another program listens on the port.
        DatabaseOutOfDate, DatabaseUnavailable: there is nothing to serve from.
        UnknownName, ModelNotFound, CardInvalid, ChecksumMismatch: there is no such network to serve with.
        PathUnusable: the folder of the workers' counters cannot be written to.
    """
    require_free(settings.host, settings.port, "--port (SIMILOOK_PORT)")
    check_networks(settings)  # this and the next are said once here, and not by each worker in turn
    with open_catalogue(settings) as catalogue:
        catalogue.check()
    variables = settings.environment()
    if settings.workers > 1:
        folder = settings.multiprocess_metrics_dir
        make_output_folder(folder)
        clear(folder)
        variables["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    export(variables)
    uvicorn.run(
        "Backend.main:app_from_environment",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=WORKER_START_S,
    )


def require_free(host: str, port: int, option: str) -> None:
    """Check that nothing listens on a port yet.

    Args:
        host: address that will be listened on.
        port: 0 lets the system choose, and is always free.
        option: what chooses another port, for the message.
    Raises:
        PortInUse: something does.
    """
    if port == 0:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUse(port, option) from error


def main() -> None:
    """Serve with the settings of the environment, or say in one sentence why not."""
    try:
        serve(Settings())
    except (BackendError, DataError, ModelError) as error:
        sys.exit(str(error))
    except ValidationError as error:
        sys.exit(what_is_wrong(error))
