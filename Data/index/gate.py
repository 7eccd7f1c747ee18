"""Refuses a new generation that would find less than the one it replaces."""

from Data.errors import GenerationRefused
from Data.index.manifest import Manifest

RECALL_SLACK = 0.005
"""How far recall may fall: two measurements on different samples of queries differ by so much."""

COMPLETENESS_SLACK = 0.001


def check_not_worse(new: Manifest, old: Manifest | None, recall_target: float) -> None:
    """Check a finished generation before it becomes current.

    Args:
        old: The current generation, None for the first.
        recall_target: recall@10 that the new one was tuned for.
    Raises:
        GenerationRefused: its recall is below both the target and the old one's, or it covers fewer of the pictures.
    """
    expected = recall_target if old is None or old.recall is None else min(recall_target, old.recall)
    if new.recall is not None and new.recall < expected - RECALL_SLACK:
        raise GenerationRefused(
            f"The new generation finds {new.recall:.1%} of the nearest ten and {expected:.1%} are expected: "
            "build it with a higher recall target, or as kind exact."
        )
    if old is not None and new.completeness < old.completeness - COMPLETENESS_SLACK:
        raise GenerationRefused(
            f"The new generation holds {new.completeness:.1%} of the pictures and the current one "
            f"{old.completeness:.1%}: run `similook index` until nothing is pending, then build again."
        )
