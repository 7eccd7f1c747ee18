"""Whether the service is alive, whether it can answer, and how it fares."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool

from Backend.metrics import Metrics
from Backend.openapi import problems
from Backend.routes.context import bearer, context
from Backend.schemas import HealthAnswer, PartHealth, ReadyAnswer
from Backend.services import Services
from Data.errors import DataError

router = APIRouter(tags=["operation"])

LOADING = PartHealth(ready=False, detail="loading")


@router.get("/healthz")
async def healthz() -> HealthAnswer:
    """Answer that the process is alive."""
    return HealthAnswer(status="ok")


@router.get("/readyz", responses={503: {"model": ReadyAnswer, "description": "Not ready; the parts say why."}})
async def readyz(request: Request, response: Response) -> ReadyAnswer:
    """Answer whether database, networks and index are there."""
    services: Services | None = request.app.state.services
    answer = NOT_LOADED if services is None else await run_in_threadpool(_readiness, services)
    response.headers["Cache-Control"] = "no-store"
    if answer.status != "ready":
        response.status_code = 503
        response.headers["Retry-After"] = "2"
    return answer


@router.get("/metrics", response_class=Response, responses=problems(401, 403))
async def metrics(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Response:
    """Return counters and timings in Prometheus' text form."""
    if request.app.state.settings.metrics_need_key:
        key = credentials.credentials if credentials else None
        await run_in_threadpool((await context(request)).services.keys.check, key, "metrics")
    text = await run_in_threadpool(_exposition, request.app.state.metrics, request.app.state.services)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


NOT_LOADED = ReadyAnswer(status="not ready", database=LOADING, model=LOADING, index=LOADING)


def _exposition(metrics: Metrics, services: Services | None) -> bytes:
    """Return the exposition text, the index's size as this worker sees it included."""
    if services is not None:
        metrics.vectors.set(services.index.facts().total_vectors)
    return metrics.render()


def _readiness(services: Services) -> ReadyAnswer:
    """Ask each part for a small thing."""
    database = _part(lambda: f"{services.catalogue.count()} products")
    index = _part(lambda: f"{services.index.facts().total_vectors} vectors")
    model = PartHealth(ready=True, detail=services.embedder.embedder_id)
    ready = database.ready and index.ready
    return ReadyAnswer(status="ready" if ready else "not ready", database=database, model=model, index=index)


def _part(ask: Callable[[], str]) -> PartHealth:
    """Return a part's answer, or what is wrong with it. The reason's class is enough for a stranger."""
    try:
        return PartHealth(ready=True, detail=ask())
    except DataError as error:
        return PartHealth(ready=False, detail=type(error).__name__)
