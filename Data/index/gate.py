"""Refuses a new generation that would find less than the one it replaces."""

from Data.errors import GenerationRefused
from Data.index.manifest import Manifest

RECALL_SLACK = 0.005
"""How far recall may fall: two measurements on different samples of queries differ by so much."""

COVERAGE_SLACK = 0.001
COVERAGE_SPARE = 10
"""How many fewer vectors are let through, as a share and besides: products come and go while a build runs."""


def check_not_worse(new: Manifest, old: Manifest | None, covered: int, recall_target: float) -> None:
    """Check a finished generation before it becomes current.

    Args:
        old: The current generation, None for the first.
        covered: Vectors that the database holds now of the current generation's embedder: what can be found today.
        recall_target: recall@10 that the new one was tuned for.
    Raises:
        GenerationRefused: its recall is below both the target and the old one's, or it holds fewer vectors.
    """
    expected = recall_target if old is None or old.recall is None else min(recall_target, old.recall)
    if new.recall is not None and new.recall < expected - RECALL_SLACK:
        raise GenerationRefused(
            f"The new generation finds {new.recall:.1%} of the nearest ten and {expected:.1%} are expected: "
            "build it with a higher recall target, or as kind exact."
        )
    if old is not None and new.count < covered * (1.0 - COVERAGE_SLACK) - COVERAGE_SPARE:
        raise GenerationRefused(
            f"The new generation holds {new.count} vectors and {covered} can be found today: "
            "run `similook index` until nothing is pending, then build again."
        )
