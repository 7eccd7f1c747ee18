"""`similook search`: the main job from the command line."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from Backend.commands.options import DatabaseUrl, DataDir, settings_with


def search(
    photo: Annotated[Path, typer.Argument(help="JPEG, PNG, WebP or HEIC.")],
    crop: Annotated[str | None, typer.Option(help="x,y,w,h on the upright picture.", show_default=False)] = None,
    crop_unit: Annotated[str, typer.Option(help="fraction or px.")] = "fraction",
    k: Annotated[int, typer.Option("-k", min=1, max=50, help="How many products.")] = 10,
    category: Annotated[list[str] | None, typer.Option(help="Only these slugs; may be repeated.")] = None,
    gender: Annotated[list[str] | None, typer.Option(help="men, women or unisex; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's JSON.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print the products that look most like a photo."""
    from Backend.errors import PathUnusable
    from Backend.metrics import Metrics
    from Backend.recommender import parse_crop
    from Backend.services import Services
    from Backend.views import similar_answer
    from Data.filters import Filter

    if crop_unit not in ("fraction", "px"):
        raise typer.BadParameter("choose fraction or px", param_hint="--crop-unit")
    unit: Literal["fraction", "px"] = "px" if crop_unit == "px" else "fraction"
    box = parse_crop(crop, unit)
    try:
        data = photo.read_bytes()
    except OSError as error:
        raise PathUnusable(f"The photo {photo} cannot be read ({error.strerror}); check the path.") from error
    settings = settings_with(data_dir=data_dir, database_url=database_url)
    services = Services.open(settings, Metrics())
    try:
        query = services.recommender.analyse(data, box)
        answer = services.recommender.search(
            query, k, Filter(category=tuple(category or ()), gender=tuple(gender or ()))
        )
    finally:
        services.close()
    base_url = settings.public_base_url or f"http://{settings.host}:{settings.port}"
    shown = similar_answer(answer, base_url)
    if as_json:
        typer.echo(shown.model_dump_json(indent=2))
        return
    if not shown.similar_products:
        narrowed = " that passes the filters" if category or gender else ""
        typer.echo(f"No product{narrowed} can be found by its looks; `similook stats` says what the catalogue holds.")
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    seen = shown.category
    title = f"{seen.name} ({seen.probability:.0%})" if seen else "Not sure what this is"
    table = Table("Similarity", "Product", "Name", "Brand", "Price", title=escape(title))
    for product in shown.similar_products:
        price = "" if product.final_price is None else f"{product.final_price:g} {product.currency}"
        words = (escape(text) for text in (product.product_id, product.name, product.brand or ""))
        table.add_row(f"{product.similarity_score:.3f}", *words, price)
    Console().print(table)
