"""`similook import` and `similook sync`: a shop's products into the catalogue, and both in step from then on."""

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from Backend.commands.options import DatabaseUrl, DataDir, settings_with

if TYPE_CHECKING:
    from Backend.settings import Settings
    from Data.catalogue import Catalogue
    from Data.importers import ImportOptions, ImportReport
    from Data.importers.base import Importer
    from Data.sync import SyncPlan

SHOWN_PROBLEMS = 20

Images = Annotated[Path | None, typer.Option(help="Folder, tar or zip of the pictures.", show_default=False)]
Columns = Annotated[
    list[str] | None,
    typer.Option("--map", help="FIELD=COLUMN, over what is guessed; may be repeated.", show_default=False),
]
Currency = Annotated[str | None, typer.Option(help="Of prices that come without one.", show_default=False)]
Source = Annotated[
    str | None, typer.Option(help="Name of the feed, kept with each product; the layout's.", show_default=False)
]
Fetch = Annotated[
    bool, typer.Option("--fetch/--no-fetch", help="Fetch pictures now, or leave it to `similook index --watch`.")
]


def import_(
    layout: Annotated[str, typer.Argument(help="table, merchant-feed, shopify, hm, clothing-dataset, ...")],
    location: Annotated[str, typer.Argument(help="File, folder, tar, zip or address.")],
    images: Images = None,
    columns: Columns = None,
    currency: Currency = None,
    source: Source = None,
    fetch: Fetch = True,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Import products; running it again goes on where it stopped and changes only what is new.

    Bad rows are reported and never stop the rest.
    """
    from Backend.commands.progress import bar
    from Backend.services import open_catalogue, open_images
    from Data.importers import open_source, run_import

    settings = settings_with(data_dir=data_dir, database_url=database_url)
    gc.freeze()  # what is loaded by now stays: going through it again was a third of a small sync
    importer = open_source(layout, location, _options(settings, images, columns, currency))
    _tell_columns(importer)
    with open_catalogue(settings) as catalogue:
        catalogue.migrate()
        with bar("Importing", importer.total) as advance:
            report = run_import(
                importer, catalogue, open_images(settings), source or layout, lambda now: advance(now.rows)
            )
        _tell_problems(report)
        done = report.upserts
        typer.echo(
            f"{report.rows} rows: {done.created} created, {done.changed + done.picture_changed} changed, "
            f"{done.unchanged} unchanged, {report.problem_count} problems."
        )
        _tell_currencies(report, catalogue.currency)
        if fetch:
            _fetch_pictures(settings, catalogue, check_again=False)
    if done.created or done.picture_changed:
        typer.echo("Run `similook index` to make them searchable.")


def sync(
    location: Annotated[str, typer.Argument(help="File, folder, tar, zip or address of the whole feed.")],
    layout: Annotated[
        str | None, typer.Option(help="As for `import`; told by the name and the first lines.", show_default=False)
    ] = None,
    images: Images = None,
    columns: Columns = None,
    currency: Currency = None,
    source: Source = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Although it shrank by over 20 %, is cut off, or has bad rows whose id cannot be read."
        ),
    ] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete products that are missing instead of putting them out of stock.")
    ] = False,
    check_pictures: Annotated[
        bool, typer.Option("--check-pictures", help="Ask whether pictures have changed at their addresses.")
    ] = False,
    fetch: Fetch = True,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Bring the catalogue in step with a feed: what is new, changed or gone, and nothing else."""
    from Backend.commands.progress import bar
    from Backend.services import open_catalogue, open_images
    from Data.importers import guess_layout, open_source
    from Data.sync import Sync

    settings = settings_with(data_dir=data_dir, database_url=database_url)
    layout = layout or guess_layout(location)
    gc.freeze()  # what is loaded by now stays: going through it again was a third of a small sync
    importer = open_source(layout, location, _options(settings, images, columns, currency))
    _tell_columns(importer)
    with open_catalogue(settings) as catalogue:
        catalogue.migrate()
        with Sync(importer, catalogue, open_images(settings), source or layout) as work:
            with bar("Comparing", importer.total) as advance:
                plan = work.plan(lambda now: advance(now.rows))
            _tell_plan(plan)
            if not force and (caution := plan.caution()) is not None:
                typer.echo(caution, err=True)
            if dry_run:
                _tell_problems(plan.report)
                _tell_refusal(plan)
                return
            with bar("Writing", plan.new + plan.changed + plan.picture_changed) as advance:
                report = work.apply(force, delete, lambda now: advance(now.rows))
        _tell_problems(report.done)
        done = report.done.upserts
        typer.echo(
            f"Done: {done.created} created, {done.changed + done.picture_changed} changed, "
            f"{report.out_of_stock} out of stock, {report.deleted} deleted."
        )
        if fetch:
            _fetch_pictures(settings, catalogue, check_pictures)


def _options(
    settings: "Settings", images: Path | None, columns: list[str] | None, currency: str | None
) -> "ImportOptions":
    from Backend.fetching import open_fetcher
    from Data.importers import ImportOptions

    feeds = settings.cache_dir / "feeds"
    return ImportOptions(images, _mapping(columns), currency, open_fetcher(settings), feeds)


def _mapping(columns: list[str] | None) -> dict[str, str]:
    """Read FIELD=COLUMN pairs."""
    mapping = {}
    for entry in columns or ():
        field, equals, column = (part.strip() for part in entry.partition("="))
        if not equals or not field or not column:
            raise typer.BadParameter(f"{entry!r} is not FIELD=COLUMN, for example name=title", param_hint="--map")
        mapping[field] = column
    return mapping


def _fetch_pictures(settings: "Settings", catalogue: "Catalogue", check_again: bool) -> None:
    """Fetch what products name by its address, and say what could not be had."""
    from Backend.commands.progress import bar
    from Backend.fetching import open_worker
    from Backend.services import open_images

    worker = open_worker(settings, catalogue, open_images(settings))
    for work, wanted in ((worker.run, True), (worker.check_again, check_again)):
        if not wanted:
            continue
        with bar("Fetching pictures", None) as advance:
            report = work(lambda now: advance(now.done))
        if not report.done:
            continue
        typer.echo(f"Pictures: {report.fetched} fetched, {report.unchanged} unchanged, {report.failed_count} failed.")
        for url, reason in list(report.failed.items())[:SHOWN_PROBLEMS]:
            typer.echo(f"  {url}: {reason}", err=True)


def _tell_columns(importer: "Importer") -> None:
    from Data.importers.table import Table, describe

    if isinstance(importer, Table):
        typer.echo(f"Columns: {describe(importer.columns, importer.header)}")


def _tell_plan(plan: "SyncPlan") -> None:
    typer.echo(
        f"{plan.report.rows} rows: {plan.new} new, {plan.changed} changed in text, {plan.picture_changed} in pictures, "
        f"{plan.unchanged} unchanged, {plan.gone} of {plan.stored} gone, {plan.report.problem_count} problems."
    )
    _tell_currencies(plan.report, plan.currency)


def _tell_refusal(plan: "SyncPlan") -> None:
    said = plan.refusal()
    if said is not None:
        typer.echo(said, err=True)


def _tell_currencies(report: "ImportReport", currency: str | None) -> None:
    others = {code: count for code, count in report.currencies.items() if code != currency}
    if others and currency:
        listed = ", ".join(f"{count} in {code}" for code, count in sorted(others.items()))
        typer.echo(f"The catalogue's currency is {currency}; price filters leave out {listed}.", err=True)


def _tell_problems(report: "ImportReport") -> None:
    for problem in report.problems[:SHOWN_PROBLEMS]:
        name = f" ({problem.product_id})" if problem.product_id else ""
        typer.echo(f"  row {problem.row}{name}: {problem.reason}", err=True)
    if report.problem_count > SHOWN_PROBLEMS:
        typer.echo(f"  and {report.problem_count - SHOWN_PROBLEMS} more", err=True)
