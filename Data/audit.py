"""The catalogue's pictures, looked through for what a merchandiser should mend first.

Works on what is saved of the pictures alone: `Backend/picture_facts.py` measures, this judges, product by product.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from Data.catalogue import Catalogue
from Data.duplicates import DuplicateGroup, find_duplicates, twins
from Data.features import Features
from Data.product import Product
from Data.quality import Fault, FaultKind, Limits, judge, worst_first
from Data.records import PictureFacts

BATCH = 500
KEPT = 500
OUT_OF_STOCK = 0.5
"""Factor on the priority of what nobody can buy at the moment."""

NOT_SHOWN = 0.5
"""Factor on the faults of a picture that does not stand for its product."""

EACH_MORE = 0.1
"""What every further fault adds, as a share of its weight."""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Finding:
    """A product with what is wrong with its pictures.

    Args:
        priority: 0..1, what to mend first has the highest.
        faults: worst first.
        sha256: the picture that its worst fault is about, None where there is none.
    """

    product: Product
    priority: float
    faults: tuple[Fault, ...]
    sha256: str | None


@dataclass
class AuditReport:
    """What an audit found.

    Args:
        products: looked at; faulty: those with at least one fault.
        unmeasured: pictures that nothing has been measured of.
        counts: products by kind of fault.
        findings: the worst products, worst first; at most as many as were asked for.
        duplicates: groups of products that show the same picture, largest first.
    """

    products: int = 0
    faulty: int = 0
    unmeasured: int = 0
    counts: Counter[FaultKind] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    duplicates: list[DuplicateGroup] = field(default_factory=list)


def audit(
    catalogue: Catalogue,
    embedder_id: str | None,
    limits: Limits | None = None,
    keep: int = KEPT,
    progress: Progress = lambda products: None,
) -> AuditReport:
    """Judge every product's pictures; memory holds a batch, the worst `keep`, what failed, and fingerprints.

    Args:
        embedder_id: whose features say what is no garment; None where nothing has been seen yet.
        limits: None for the usual ones.
        keep: findings to return.
        progress: told the number of products looked at.
    """
    report = AuditReport(duplicates=find_duplicates(catalogue))
    shown_twice = twins(report.duplicates)
    failed = _failures(catalogue)
    features = Features(catalogue.engine)
    worst: list[tuple[float, int, Finding]] = []
    products = catalogue.iterate(batch_size=BATCH)
    while batch := list(islice(products, BATCH)):
        keys = sorted({picture.sha256 for product in batch for picture in product.pictures if picture.sha256})
        facts = catalogue.get_pictures(keys)
        seen = {} if embedder_id is None else features.get(keys, embedder_id)
        attributes = {sha256: row.attributes for sha256, row in seen.items()}
        for product in batch:
            report.products += 1
            report.unmeasured += sum(not _measured(facts.get(p.sha256 or "")) for p in product.pictures if p.sha256)
            finding = _judge(product, facts, attributes, failed, shown_twice, limits or Limits())
            if finding is None:
                continue
            report.faulty += 1
            report.counts.update({fault.kind for fault in finding.faults})
            # The running number keeps equal priorities in the catalogue's order, and findings uncompared.
            entry = (finding.priority, -report.products, finding)
            heapq.heappush(worst, entry) if len(worst) < keep else heapq.heappushpop(worst, entry)
        progress(report.products)
    report.findings = [finding for _, _, finding in sorted(worst, key=lambda entry: (-entry[0], -entry[1]))]
    return report


def _judge(
    product: Product,
    facts: Mapping[str, PictureFacts],
    attributes: Mapping[str, Mapping[str, object]],
    failed: Mapping[tuple[str, int], str],
    shown_twice: Mapping[str, frozenset[str]],
    limits: Limits,
) -> Finding | None:
    """Return what is wrong with a product's pictures, None if nothing is."""
    weighed: list[tuple[float, Fault, str | None]] = []
    if not product.pictures:
        weighed.append((1.0, Fault("missing", 1.0, "It has no picture, so that nobody finds it."), None))
    for position, picture in enumerate(product.pictures):
        factor = 1.0 if picture == product.cover else NOT_SHOWN
        reason = failed.get((product.product_id, position))
        if reason is not None:
            kind: FaultKind = "unreadable" if picture.sha256 else "missing"
            weighed.append((factor, Fault(kind, 1.0, reason), picture.sha256))
        elif picture.sha256 is None:
            weighed.append((factor, Fault("waiting", 1.0, "It has not been fetched yet."), None))
        elif picture.sha256 in facts:
            found = judge(facts[picture.sha256], attributes.get(picture.sha256), limits)
            weighed += [(factor, fault, picture.sha256) for fault in found]
    if others := shown_twice.get(product.product_id):
        names = ", ".join(sorted(others)[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        cover = product.cover.sha256 if product.cover else None
        weighed.append((1.0, Fault("duplicate", min(len(others) / 5, 1.0), f"The same picture as {names}."), cover))
    if not weighed:
        return None
    weighed.sort(key=lambda entry: -entry[0] * entry[1].weight)
    parts = [factor * fault.weight for factor, fault, _ in weighed]
    priority = min(parts[0] + EACH_MORE * sum(parts[1:]), 1.0) * (1.0 if product.in_stock else OUT_OF_STOCK)
    return Finding(product, round(priority, 4), tuple(_once([fault for _, fault, _ in weighed])), weighed[0][2])


def _once(faults: Sequence[Fault]) -> list[Fault]:
    """Return faults with each sentence said once, worst first."""
    return worst_first(list({(fault.kind, fault.note): fault for fault in reversed(faults)}.values()))


def _failures(catalogue: Catalogue) -> dict[tuple[str, int], str]:
    """Return why pictures were given up, by product and position."""
    return {
        (product_id, status.position): status.reason or "It cannot be used."
        for batch in catalogue.failed_pictures()
        for product_id, status in batch
    }


def _measured(facts: PictureFacts | None) -> bool:
    return facts is not None and "blur" in (facts.quality or {})
