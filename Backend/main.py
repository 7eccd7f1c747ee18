"""The HTTP service. `create_app` builds it, its lifespan loads what it serves; importing this file does neither.

cd Backend && python main.py
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.concurrency import run_in_threadpool

from Backend import VERSION, problems
from Backend.errors import PROBLEMS
from Backend.fetching import FETCHES, FETCHES_WAITING, open_impatient_fetcher
from Backend.inference import InferenceQueue
from Backend.logs import configure_logging
from Backend.metrics import Metrics
from Backend.middleware import BodyLimit, RequestContext
from Backend.openapi import describe
from Backend.room import Room
from Backend.routes import ROUTERS
from Backend.services import Services
from Backend.settings import Settings

Open = Callable[[Settings, Metrics], Services]

log = structlog.stdlib.get_logger(__name__)


def create_app(settings: Settings, open_services: Open = Services.open) -> FastAPI:
    """Build the service.

    Args:
        settings: of this deployment.
        open_services: loads what the service holds, when it starts.
    """
    metrics = Metrics()
    room = Room(settings.max_held_bytes)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.queue = InferenceQueue(settings.inference_slots, settings.queue_size, settings.request_timeout_s)
        app.state.fetching = InferenceQueue(FETCHES, FETCHES_WAITING, settings.request_timeout_s, "fetching")
        app.state.fetcher = open_impatient_fetcher(settings)
        app.state.services = services = await run_in_threadpool(open_services, settings, metrics)
        log.info("serving", products=await run_in_threadpool(services.catalogue.count))
        try:
            yield
        finally:
            app.state.services = None
            await run_in_threadpool(app.state.fetching.close)
            app.state.queue.close()
            await run_in_threadpool(services.close)

    app = FastAPI(
        title="Similook",
        version=VERSION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,  # routes/docs.py: without files from other hosts
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.metrics = metrics
    app.state.room = room
    app.state.services = None
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app, PROBLEMS)
    describe(app)
    # The last one added is the outermost: CORS also marks refusals, so that a page can read them.
    app.add_middleware(BodyLimit, max_bytes=settings.max_upload_bytes, room=room, metrics=metrics)
    app.add_middleware(RequestContext, metrics=metrics)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After", "ETag"],
            max_age=86_400,
        )
    return app


def app_from_environment() -> FastAPI:
    """Build the service from the environment: what each worker process calls."""
    settings = Settings()
    configure_logging(settings)
    return create_app(settings)


if __name__ == "__main__":
    from Backend.serving import main

    main()
