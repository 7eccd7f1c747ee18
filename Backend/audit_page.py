"""The audit as one HTML file: no script, no address outside of it, and every word of the catalogue escaped."""

import base64
import io
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape

from PIL import Image

from Data.audit import AuditReport, Finding
from Data.duplicates import DuplicateGroup
from Data.quality import WEIGHTS, FaultKind

THUMBNAIL = 160
GROUPS_SHOWN = 50
IDS_SHOWN = 12

NAMES: dict[FaultKind, str] = {
    "missing": "No picture",
    "unreadable": "Unreadable",
    "not-a-garment": "Not a garment",
    "blurred": "Blurred",
    "tiny": "Tiny",
    "cluttered": "Cluttered",
    "duplicate": "Duplicate",
    "waiting": "Not fetched yet",
}

Opener = Callable[[str], Image.Image | None]
"""sha256 to the picture, None where it cannot be opened."""

STYLE = """
:root { color-scheme: light; --ink: #1f1b17; --soft: #6b645b; --line: #e4ddd2; --earth: #8c3b24; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.2rem 5rem; background: #faf8f4; color: var(--ink);
  font: 16px/1.5 "Helvetica Neue", "Segoe UI", "Noto Sans", "Noto Sans KR", Arial, sans-serif; }
h1, h2 { font-family: "Iowan Old Style", Palatino, Georgia, "Noto Serif", serif; font-weight: 400; line-height: 1.15; }
h1 { font-size: 2.2rem; margin: 0 0 .3rem; } h2 { font-size: 1.4rem; margin: 2.6rem 0 .8rem; }
p, small { color: var(--soft); }
ul { list-style: none; margin: 0; padding: 0; }
.counts { display: flex; flex-wrap: wrap; gap: .6rem 2rem; padding: 1rem 0; border-block: 1px solid var(--line); }
.counts b { display: block; font-size: 1.4rem; font-weight: 400; }
.finding { display: grid; grid-template-columns: 2.2rem 6rem 1fr; gap: 1rem; align-items: start;
  padding: 1rem 0; border-bottom: 1px solid var(--line); }
.rank { color: var(--soft); text-align: right; font-variant-numeric: tabular-nums; }
.picture { width: 6rem; height: 7.5rem; background: #fff; border: 1px solid var(--line); object-fit: contain; }
.picture.none { display: grid; place-items: center; color: var(--soft); font-size: .8rem; }
.name { overflow-wrap: anywhere; } a { color: var(--earth); }
.faults li { margin-top: .25rem; } .faults b { color: var(--earth); font-weight: 600; }
@media (max-width: 32rem) { .finding { grid-template-columns: 4.5rem 1fr; } .rank { display: none; }
  .picture { width: 4.5rem; height: 5.6rem; } }
"""


def audit_page(report: AuditReport, open_picture: Opener) -> str:
    """Return the report as a whole HTML document, in English.

    Args:
        report: what was found.
        open_picture: for the thumbnails, which stand in the document itself.
    """
    findings = "".join(_finding(rank, finding, open_picture) for rank, finding in enumerate(report.findings, 1))
    left_out = report.faulty - len(report.findings)
    parts = [
        "<h1>What to mend first</h1>",
        f"<p>{report.faulty} of {report.products} products have a picture to mend, worst first. "
        f"Made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by <code>similook audit</code>.</p>",
        _unmeasured(report.unmeasured),
        f'<ul class="counts">{_counts(report)}</ul>',
        f"<h2>Products</h2><ul>{findings}</ul>" if findings else "<p>Nothing is to be mended.</p>",
        f"<p>{left_out} more are left out; ask for them with <code>--limit</code>.</p>" if left_out > 0 else "",
        _duplicates(report.duplicates),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f"<title>Similook: what to mend first</title><style>{STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _unmeasured(count: int) -> str:
    if not count:
        return ""
    return (
        f"<p>Nothing has been measured of {count} pictures yet: run <code>similook index</code>, then this again.</p>"
    )


def _counts(report: AuditReport) -> str:
    ordered = sorted(report.counts, key=lambda kind: -WEIGHTS[kind])
    return "".join(f"<li><b>{report.counts[kind]}</b>{escape(NAMES[kind])}</li>" for kind in ordered)


def _finding(rank: int, finding: Finding, open_picture: Opener) -> str:
    product = finding.product
    name = escape(product.name)
    if product.product_url:
        name = f'<a href="{escape(product.product_url)}" rel="noopener noreferrer">{name}</a>'
    about = " · ".join(escape(part) for part in (product.product_id, product.brand, product.category) if part)
    stock = "" if product.in_stock else " · out of stock"
    faults = "".join(f"<li><b>{escape(NAMES[f.kind])}.</b> {escape(f.note)}</li>" for f in finding.faults)
    return (
        f'<li class="finding"><span class="rank">{rank}</span>{_thumbnail(finding.sha256, open_picture)}'
        f'<div class="name">{name}<br><small>{about}{stock}</small><ul class="faults">{faults}</ul></div></li>'
    )


def _thumbnail(sha256: str | None, open_picture: Opener) -> str:
    image = open_picture(sha256) if sha256 else None
    if image is None:
        return '<span class="picture none">no picture</span>'
    small = image.convert("RGB")
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=75)
    data = base64.b64encode(file.getvalue()).decode()
    return f'<img class="picture" alt="" src="data:image/jpeg;base64,{data}">'


def _duplicates(groups: list[DuplicateGroup]) -> str:
    if not groups:
        return ""
    words = {"exact": "the same file", "near": "pictures that look the same"}
    rows = "".join(
        f"<li>{len(group.product_ids)} products, {words[group.kind]}: "
        f"{escape(', '.join(group.product_ids[:IDS_SHOWN]))}{' …' if len(group.product_ids) > IDS_SHOWN else ''}</li>"
        for group in groups[:GROUPS_SHOWN]
    )
    more = f"<p>and {len(groups) - GROUPS_SHOWN} groups more</p>" if len(groups) > GROUPS_SHOWN else ""
    return f"<h2>Shown more than once</h2><ul>{rows}</ul>{more}"
