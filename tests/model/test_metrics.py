"""Every measure against the slow, obvious way of working it out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from Model.metrics import (
    accuracy,
    average_precision,
    balanced_accuracy,
    bootstrap,
    class_f1,
    confusion_matrix,
    cosine_scores,
    different_groups,
    expected_calibration_error,
    macro_f1,
    mean_average_precision,
    neighbour_agreement,
    precision_at_k,
    ranking,
    recall_at_k,
)

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.integers(0, 5, 300)
PREDICTED = np.where(RANDOM.random(300) < 0.6, TRUTH, RANDOM.integers(0, 5, 300))


def test_classification_measures_are_scikit_learns() -> None:
    assert accuracy(TRUTH, PREDICTED) == pytest.approx(reference.accuracy_score(TRUTH, PREDICTED))
    assert macro_f1(TRUTH, PREDICTED, 5) == pytest.approx(reference.f1_score(TRUTH, PREDICTED, average="macro"))
    assert balanced_accuracy(TRUTH, PREDICTED) == pytest.approx(reference.balanced_accuracy_score(TRUTH, PREDICTED))
    assert (confusion_matrix(TRUTH, PREDICTED, 5) == reference.confusion_matrix(TRUTH, PREDICTED)).all()


def test_a_class_that_never_occurs_has_no_f1() -> None:
    f1 = class_f1(confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 3))
    assert np.isnan(f1[2])
    assert macro_f1(np.array([0, 0, 1]), np.array([0, 1, 1]), 3) == pytest.approx((f1[0] + f1[1]) / 2)


def test_calibration_error_by_hand() -> None:
    # Two bins: said 0.9 and right half the time, said 0.6 and always right.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    truth = np.array([0, 1, 0, 0])
    assert expected_calibration_error(probabilities, truth, bins=10) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4)
    assert expected_calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == pytest.approx(0.0)


def test_search_measures_the_slow_way() -> None:
    queries, gallery = RANDOM.standard_normal((7, 4)), RANDOM.standard_normal((30, 4))
    labels, gallery_labels = RANDOM.integers(0, 3, 7), RANDOM.integers(0, 3, 30)
    groups, gallery_groups = RANDOM.integers(0, 6, 7), RANDOM.integers(0, 6, 30)
    allowed = different_groups(groups, gallery_groups)
    relevant = (labels[:, None] == gallery_labels[None, :]) & allowed
    scores = cosine_scores(queries, gallery)
    order = ranking(scores, allowed)
    for q in range(7):
        candidates = [g for g in range(30) if gallery_groups[g] != groups[q]]
        candidates.sort(key=lambda g, q=q: -scores[q, g])
        hits = [gallery_labels[g] == labels[q] for g in candidates]
        assert precision_at_k(relevant, order, 5)[q] == pytest.approx(sum(hits[:5]) / 5)
        assert recall_at_k(relevant, order, 5)[q] == float(any(hits[:5]))
        precisions = [sum(hits[: at + 1]) / (at + 1) for at, hit in enumerate(hits) if hit]
        assert average_precision(relevant, order)[q] == pytest.approx(np.mean(precisions))
    assert mean_average_precision(relevant, order) == pytest.approx(np.mean(average_precision(relevant, order)))


def test_a_query_without_a_right_answer_does_not_count() -> None:
    relevant = np.array([[True, False], [False, False]])
    order = np.array([[1, 0], [0, 1]])
    assert np.isnan(average_precision(relevant, order)[1])
    assert mean_average_precision(relevant, order) == pytest.approx(0.5)


def test_neighbour_agreement() -> None:
    assert neighbour_agreement(np.array([[1, 2, 3]]), np.array([[3, 1, 9]])) == pytest.approx(2 / 3)


def test_bootstrap_draws_whole_groups() -> None:
    values = np.repeat([0.0, 1.0] * 10, 50)
    alone = bootstrap(values, np.arange(len(values)))
    together = bootstrap(values, np.repeat(np.arange(20), 50))
    assert alone.value == together.value == 0.5
    # A thousand independent values: 1.96 * sqrt(0.25 / 1000) = 0.031 either way; twenty groups: about 0.22.
    assert alone.high - alone.low == pytest.approx(0.062, abs=0.012)
    assert together.high - together.low == pytest.approx(0.44, abs=0.08)
    assert bootstrap(values, np.repeat(np.arange(20), 50)) == together


def test_bootstrap_of_another_statistic() -> None:
    values = RANDOM.standard_normal(200)
    groups = np.arange(200) // 4
    mean = bootstrap(values, groups, rounds=200, statistic=lambda drawn: float(drawn.mean()))
    plain = bootstrap(values, groups, rounds=200)
    assert (mean.low, mean.high) == pytest.approx((plain.low, plain.high))
