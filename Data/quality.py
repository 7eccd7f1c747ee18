"""What is wrong with a picture, judged by what was measured when it was looked at: no network, no pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from Data.records import PictureFacts

FaultKind = Literal["missing", "unreadable", "waiting", "not-a-garment", "blurred", "tiny", "cluttered", "duplicate"]

WEIGHTS: dict[FaultKind, float] = {
    "missing": 1.0,
    "unreadable": 0.95,
    "not-a-garment": 0.85,
    "blurred": 0.6,
    "tiny": 0.5,
    "cluttered": 0.4,
    "duplicate": 0.3,
    "waiting": 0.1,
}
"""How much a fault costs a shop, 0..1: a product without a picture is found by nobody, a cluttered one by most."""


@dataclass(frozen=True)
class Limits:
    """From where on something is a fault; docs/results/audit.md says what these find.

    Args:
        min_side: pixels of the shorter side.
        max_blur: of `Data.pixels.blur_effect`.
        min_plain: share of the background that has its one colour.
        min_single: share of the mask that is its largest part.
        min_clear: share of the mask that the segmenter was certain of; over a landscape or a room it finds something,
            but is nowhere certain. Of the mask alone, so that another encoder or classifier changes nothing.
        min_clear_across: the same, of a mask that is wider than `max_across`: hills and walls run from side to side.
        max_across: width of the mask's box, as a share of the picture's.
        min_probability: of the likeliest category; below, a picture that is not plain either shows no garment.
    """

    min_side: int = 200
    max_blur: float = 0.45
    min_plain: float = 0.6
    min_single: float = 0.6
    min_clear: float = 0.35
    min_clear_across: float = 0.6
    max_across: float = 0.95
    min_probability: float = 0.3


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    Args:
        degree: how much so, above 0 and at most 1.
        note: a sentence for a merchandiser.
    """

    kind: FaultKind
    degree: float
    note: str

    @property
    def weight(self) -> float:
        """How much it matters, 0..1; half of it for being there at all, half by its degree."""
        return WEIGHTS[self.kind] * (0.5 + 0.5 * self.degree)


def judge(facts: PictureFacts, attributes: Mapping[str, Any] | None, limits: Limits) -> list[Fault]:
    """Return a picture's faults, worst first. What has not been measured is no fault.

    Args:
        facts: of the file.
        attributes: of its feature; None before the networks have seen it.
    """
    quality = facts.quality or {}
    found = [fault for fault in (_tiny(facts, limits), _blurred(quality, limits)) if fault]
    if attributes is not None:
        strange = _no_garment(quality, attributes, limits)
        found += [strange] if strange else _cluttered(quality, limits)
    return worst_first(found)


def worst_first(faults: Sequence[Fault]) -> list[Fault]:
    """Return faults by falling weight."""
    return sorted(faults, key=lambda fault: (-fault.weight, fault.kind))


def _tiny(facts: PictureFacts, limits: Limits) -> Fault | None:
    side = min(facts.width, facts.height)
    if not side or side >= limits.min_side:
        return None
    note = f"Only {facts.width} x {facts.height} pixels; use at least {limits.min_side} on the shorter side."
    return Fault("tiny", _above(1 - side / limits.min_side), note)


def _blurred(quality: Mapping[str, Any], limits: Limits) -> Fault | None:
    blur = quality.get("blur")
    if blur is None or blur <= limits.max_blur:
        return None
    return Fault("blurred", _above((blur - limits.max_blur) / (1 - limits.max_blur)), "Blurred or enlarged from less.")


def _no_garment(quality: Mapping[str, Any], attributes: Mapping[str, Any], limits: Limits) -> Fault | None:
    box = attributes.get("box")
    if box is None:
        return Fault("not-a-garment", 1.0, "No garment can be made out.")
    # Pictures that were looked at before this was measured lack it.
    clear = float(quality.get("clear", 1.0))
    if clear < (limits.min_clear_across if box[2] > limits.max_across else limits.min_clear):
        return Fault("not-a-garment", _above(1 - clear), "Nothing in it stands out clearly as a garment.")
    probability, plain = float(attributes.get("probability") or 0.0), float(quality.get("plain", 1.0))
    if probability >= limits.min_probability or plain >= limits.min_plain:
        return None
    return Fault("not-a-garment", _above(1 - plain), "It looks like no category of garment.")


def _cluttered(quality: Mapping[str, Any], limits: Limits) -> list[Fault]:
    plain, single = float(quality.get("plain", 1.0)), float(quality.get("single", 1.0))
    if single < limits.min_single:
        return [Fault("cluttered", _above(1 - single), "Several things stand beside one another.")]
    if plain < limits.min_plain:
        return [Fault("cluttered", _above(1 - plain), "The background is busy.")]
    return []


def _above(degree: float) -> float:
    return min(max(degree, 0.01), 1.0)
