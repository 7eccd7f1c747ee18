"""`similook audit`: the pictures that a merchandiser should mend first."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from Backend.commands.options import DatabaseUrl, DataDir, settings_with

if TYPE_CHECKING:
    from PIL import Image

    from Data.audit import AuditReport
    from Data.images import ImageStore
    from Model.preprocess import DecodeLimits

SHOWN_GROUPS = 5


def audit(
    limit: Annotated[int, typer.Option(min=1, max=5000, help="Products to list, worst first.")] = 20,
    html: Annotated[
        Path | None, typer.Option(help="Write the report with pictures to this file.", show_default=False)
    ] = None,
    min_side: Annotated[int, typer.Option(min=1, help="Pixels of the shorter side below which one is tiny.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List products whose pictures are missing, blurred, tiny, cluttered, no garment, or another product's."""
    from Backend.audit_page import audit_page
    from Backend.commands.progress import bar
    from Backend.errors import PathUnusable
    from Backend.picture_facts import measure_missing
    from Backend.services import decode_limits, open_catalogue, open_images
    from Data.audit import audit as look_through
    from Data.features import Features
    from Data.quality import Limits

    settings = settings_with(data_dir=data_dir, database_url=database_url)
    sizes = decode_limits(settings)
    images = open_images(settings)
    with open_catalogue(settings) as catalogue:
        catalogue.check()
        with bar("Measuring pictures", None) as advance:
            measure_missing(catalogue, images, sizes, advance)
        embedder_id = Features(catalogue.engine).current_embedder()
        with bar("Judging products", catalogue.count()) as advance:
            report = look_through(catalogue, embedder_id, Limits(min_side=min_side), limit, advance)
    if html is not None:
        page = audit_page(report, lambda sha256: _open(images, sha256, sizes))
        try:
            html.write_text(page, encoding="utf-8")
        except OSError as error:
            raise PathUnusable(f"The report {html} cannot be written ({error.strerror}); check the path.") from error
    if as_json:
        typer.echo(_json(report))
        return
    _print(report)
    if html is not None:
        typer.echo(f"The report with pictures is {html}.")


def _print(report: "AuditReport") -> None:
    """Print the counts, the worst products and the largest groups of duplicates."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from Backend.audit_page import NAMES

    console = Console()
    counts = ", ".join(f"{count} {NAMES[kind].lower()}" for kind, count in report.counts.most_common()) or "no fault"
    console.print(f"{report.faulty} of {report.products} products have a picture to mend: {counts}.", highlight=False)
    if report.unmeasured:
        console.print(f"{report.unmeasured} pictures have not been measured; run `similook index` first.")
    if report.findings:
        table = Table("First", "Product", "Name", "What to mend", title="What to mend first")
        for rank, finding in enumerate(report.findings, 1):
            notes = "\n".join(f"{NAMES[fault.kind]}: {fault.note}" for fault in finding.faults)
            product = finding.product
            table.add_row(str(rank), escape(product.product_id), escape(product.name), escape(notes))
        console.print(table)
    for group in report.duplicates[:SHOWN_GROUPS]:
        names = ", ".join(group.product_ids[:8]) + (" ..." if len(group.product_ids) > 8 else "")
        console.print(f"{len(group.product_ids)} products, {group.kind} duplicates: {escape(names)}", highlight=False)
    if len(report.duplicates) > SHOWN_GROUPS:
        console.print(f"and {len(report.duplicates) - SHOWN_GROUPS} groups of duplicates more", highlight=False)


def _json(report: "AuditReport") -> str:
    import json

    findings = [
        {
            "product_id": finding.product.product_id,
            "priority": finding.priority,
            "sha256": finding.sha256,
            "faults": [{"kind": fault.kind, "degree": fault.degree, "note": fault.note} for fault in finding.faults],
        }
        for finding in report.findings
    ]
    groups = [{"kind": group.kind, "product_ids": group.product_ids} for group in report.duplicates]
    head = {"products": report.products, "faulty": report.faulty, "unmeasured": report.unmeasured}
    return json.dumps(
        head | {"counts": dict(report.counts), "findings": findings, "duplicates": groups}, ensure_ascii=False, indent=2
    )


def _open(images: "ImageStore", sha256: str, limits: "DecodeLimits") -> "Image.Image | None":
    """Return a stored picture, None where it cannot be opened."""
    from Data.errors import ImageNotFound
    from Model.errors import ImageError
    from Model.preprocess import load

    try:
        return load(images.get(sha256), limits)
    except (ImageError, ImageNotFound):
        return None
