"""A small real service for the page's tests: the documented routes over HTTP, with a handful of drawn products.

It looks at no pixels. It records what it was sent, so that a test can say which photo and crop travelled, and its mood
can be changed to the faults that the page has to cope with.
"""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, File, Form, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from PIL import Image, ImageDraw

from tests.frontend.statistics_standin import colours, statistics

COLOURS = {
    "dress": "#7d3c52",
    "shirt": "#5b7c99",
    "pants": "#4b5340",
    "bag": "#a4733f",
    "skirt": "#c69a9a",
    "hat": "#333",
}
BOX = {"x": 0.25, "y": 0.2, "w": 0.5, "h": 0.6}
TOKEN = "token-1"


def drawn(colour: str, size: tuple[int, int] = (400, 500)) -> bytes:
    """Return a JPEG of a plain shape on white."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((size[0] * 0.25, size[1] * 0.2, size[0] * 0.75, size[1] * 0.8), size[0] // 10, fill=colour)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


def product(number: int, category: str, **changes: object) -> dict[str, object]:
    """Return a similar product's JSON."""
    price = 20.0 + 10 * (number * 7 % 5)
    return {
        "product_id": f"{category}-{number}",
        "name": f"{category.title()} number {number}",
        "brand": "Halden",
        "category": category.title(),
        "category_slug": category,
        "image_url": f"/api/images/{category}",
        "product_url": f"https://example.com/products/{category}-{number}",
        "price": price,
        "currency": "EUR",
        "discount_rate": 25.0 if number % 3 == 0 else 0.0,
        "final_price": price * 0.75 if number % 3 == 0 else price,
        "similarity_score": round(0.95 - number * 0.02, 3),
        "distance": 0.1,
        "match_probability": None,
        "band": None,
        "colour": None,
        "in_stock": number % 5 != 4,
    } | changes


@dataclass
class Recorded:
    """What a search was asked with."""

    fields: dict[str, list[str]]
    photo: bytes | None


@dataclass
class Mood:
    """How the service behaves from now on."""

    problem: tuple[int, str, str] | None = None
    list_problem: tuple[int, str, str] | None = None
    expired_tokens: bool = False
    garment: bool = True
    certain: bool = True
    products: list[dict[str, object]] = field(
        default_factory=lambda: [product(n, list(COLOURS)[n % len(COLOURS)]) for n in range(12)]
    )
    seen: list[Recorded] = field(default_factory=list)


def create(mood: Mood) -> FastAPI:
    """Build the service."""
    app = FastAPI()

    def refusal(status: int, kind: str, detail: str) -> JSONResponse:
        body = {"type": f"urn:similook:problem:{kind}", "title": kind, "status": status, "detail": detail}
        return JSONResponse(body, status, {"Retry-After": "7"}, "application/problem+json")

    @app.post("/api/garment-box", response_model=None)
    def garment_box(file: Annotated[UploadFile, File()]) -> Response | dict[str, Any]:
        if mood.problem:
            return refusal(*mood.problem)
        whole = {"x": 0, "y": 0, "w": 1, "h": 1}
        return {"found": mood.garment, "box": BOX if mood.garment else whole, "coverage": 0.3}

    @app.post("/api/recommendations/similar-images", response_model=None)
    async def similar(
        request: Request, limit: Annotated[int, Form()], file: Annotated[UploadFile | None, File()] = None
    ) -> Response | dict[str, Any]:
        form = await request.form()
        names = [name for name in form if name != "file"]
        fields = {name: [str(value) for value in form.getlist(name)] for name in names}
        mood.seen.append(Recorded(fields, await file.read() if file else None))
        if mood.problem:
            return refusal(*mood.problem)
        if mood.expired_tokens and "query_token" in fields:
            return refusal(409, "token-stale", "Send the photo again.")
        kept = [p for p in mood.products if _passes(p, fields)][:limit]
        return {
            "query_token": TOKEN,
            "garment_found": mood.garment,
            "category": {"slug": "dress", "name": "Dress", "probability": 0.874} if mood.certain else None,
            "similar_products": kept,
            "total_count": len(kept),
        }

    @app.get("/api/products", response_model=None)
    def products(limit: int, category: str | None = None) -> Response | dict[str, Any]:
        if mood.list_problem:
            return refusal(*mood.list_problem)
        return {"products": [p for p in mood.products if category in (None, p["category_slug"])][:limit]}

    @app.get("/api/categories", response_model=None)
    def categories() -> Response | dict[str, Any]:
        if mood.problem:
            return refusal(*mood.problem)
        slugs = dict.fromkeys(str(found["category_slug"]) for found in mood.products)
        return {"categories": [{"slug": slug, "name": slug.title(), "count": 2} for slug in slugs]}

    @app.get("/api/stats", response_model=None)
    def stats() -> Response | dict[str, Any]:
        return refusal(*mood.problem) if mood.problem else statistics(mood.products)

    @app.get("/api/stats/products/{product_id}", response_model=None)
    def product_stats(product_id: str) -> Response | dict[str, Any]:
        found = [p for p in mood.products if p["product_id"] == product_id]
        if not found:
            return refusal(404, "product-not-found", "No.")
        return {"product": found[0], "own": colours("navy"), "matches": colours("blue"), "match_ids": ["a", "b"]}

    @app.get("/api/images/{name}")
    def image(name: str) -> Response:
        return Response(drawn(COLOURS.get(name, "#999")), media_type="image/jpeg")

    return app


def _passes(candidate: dict[str, object], fields: dict[str, list[str]]) -> bool:
    """Say whether a product passes the filters of a form."""
    if candidate["category_slug"] not in fields.get("category", [candidate["category_slug"]]):
        return False
    if "in_stock" in fields and not candidate["in_stock"]:
        return False
    if "min_price" not in fields and "max_price" not in fields:
        return True
    price = candidate["final_price"]
    lowest, highest = float(fields.get("min_price", ["0"])[0]), float(fields.get("max_price", ["inf"])[0])
    return isinstance(price, float) and lowest <= price <= highest


@contextmanager
def running(mood: Mood) -> Iterator[str]:
    """Serve on a free port of this machine and give its base URL."""
    server = uvicorn.Server(uvicorn.Config(create(mood), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
        if not thread.is_alive():
            raise RuntimeError("the stand-in service did not start")
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(5)
