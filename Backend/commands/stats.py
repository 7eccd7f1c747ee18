"""`similook stats`: the catalogue at a glance."""

from typing import TYPE_CHECKING, Annotated

import typer

from Backend.commands.options import DatabaseUrl, DataDir, settings_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from Backend.overview import Overview
    from Backend.settings import Settings
    from Data.index.manifest import Manifest

ROWS = 15
BAR = 30


def stats(
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's JSON, without the index.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print counts by category, brand, price and colour, the cheapest and dearest, coverage, and the index's facts."""
    import json
    from dataclasses import asdict

    from Backend.overview import look_over
    from Backend.services import open_catalogue
    from Data.features import Features

    settings = settings_with(data_dir=data_dir, database_url=database_url)
    with open_catalogue(settings) as catalogue:
        catalogue.check()
        overview = look_over(catalogue, Features(catalogue.engine).current_embedder())
    if as_json:
        from Backend.stats_views import colours_answer, prices_answer

        shown = {
            **asdict(overview.counts),
            "coverage_rate": overview.counts.coverage_rate,
            "categories": [asdict(each) for each in overview.categories],
            "brands": [{"name": each.name, "count": each.count} for each in overview.brands],
            "prices": prices_answer(overview.prices).model_dump(),
            "cheapest": [product.product_id for product in overview.cheapest],
            "dearest": [product.product_id for product in overview.dearest],
            "colours": colours_answer(overview.colours).model_dump(),
        }
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        return
    _print(overview, _base(settings))


def _base(settings: "Settings") -> "Manifest | None":
    from Data.index.generations import current_name
    from Data.index.manifest import read_manifest

    name = current_name(settings.index_dir)
    return read_manifest(settings.index_dir / name) if name else None


def _print(overview: "Overview", base: "Manifest | None") -> None:
    """Print tables with bars."""
    from rich.console import Console

    console = Console(highlight=False)
    counts, prices = overview.counts, overview.prices
    console.print(
        f"{counts.products} products, {counts.pictures} pictures, {counts.features} looked at, {counts.failed} failed, "
        f"{counts.pending} pending; {counts.coverage_rate:g} % of the products can be found."
    )
    if base is None:
        console.print("There is no index yet: run `similook index`.")
    else:
        recall = "not measured" if base.recall is None else f"{base.recall:.4f}"
        console.print(
            f"Index {base.generation}: {base.kind}, {base.count} vectors, {base.dim} dimensions, recall {recall}."
        )
    _bars("Category", [(each.name, each.count) for each in overview.categories[:ROWS]], "products")
    _bars("Brand", [(each.name, each.count) for each in overview.brands[:ROWS]], "products")
    unit = prices.currency or ""
    bins = [(f"{each.low:f} to {each.high:f}" if each.high else f"{each.low:f} up", each.count) for each in prices.bins]
    _bars(f"Price, {unit} (median {prices.median})", bins, "products")
    colours = [(each.name, round(100 * each.share, 1)) for each in overview.colours.colours[:ROWS]]
    _bars(f"Colour of {overview.colours.pictures} garments", colours, "%")
    for title, products in (("Cheapest", overview.cheapest), ("Dearest", overview.dearest)):
        lines = [f"  {product.final_price:f} {product.currency}  {product.name}" for product in products]
        console.print("\n".join([title, *lines]) if lines else f"{title}: no prices", markup=False)


def _bars(title: str, rows: "Sequence[tuple[str, float]]", unit: str) -> None:
    """Print a table with a bar for each row, unless there is none."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    if not rows:
        return
    most = max(count for _, count in rows) or 1
    table = Table(title, unit, "", box=None, title_justify="left")
    for name, count in rows:
        table.add_row(escape(name), f"{count:g}", "█" * round(BAR * count / most))
    Console().print(table, "")
