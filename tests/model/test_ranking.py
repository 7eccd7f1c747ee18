"""The order of products by looks and category together."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from Model.ranking import CATEGORY_DOUBT, category_losses, rank_score

SHARES = st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=6)


@given(SHARES, st.floats(0, 1))
def test_losses_follow_the_probabilities(shares: dict[str, float], weight: float) -> None:
    losses = category_losses(shares, weight)
    assert losses.keys() == shares.keys()
    for one, share in shares.items():
        mixed = [CATEGORY_DOUBT + other * (1 - CATEGORY_DOUBT) for other in (max(shares.values()), share)]
        assert losses[one] == pytest.approx(weight * (math.log(mixed[0]) - math.log(mixed[1])), abs=1e-9)
        assert 0 <= losses[one] <= weight * math.log(1 / CATEGORY_DOUBT) + 1e-9
        assert all(losses[one] <= losses[other] for other in shares if shares[other] < share)


def test_without_a_classifier_or_a_weight_nothing_is_lost() -> None:
    assert category_losses({}, 0.1) == {}
    assert set(category_losses({"dress": 0.9, "hat": 0.1}, 0.0).values()) == {0.0}


def test_the_very_garment_keeps_its_place() -> None:
    assert rank_score(0.98, 0.35, 1.0) == 0.98
    assert rank_score(0.98, 0.35, 0.0) == pytest.approx(0.63)
    assert rank_score(0.98, 0.35, None) == pytest.approx(0.63)
