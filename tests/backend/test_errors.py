"""The problem table: complete, consistent, and silent about the inside of the service."""

from collections.abc import Iterator

import pytest

import Data.errors
import Model.errors
from Backend import errors


def tree(base: type[Exception]) -> Iterator[type[Exception]]:
    yield base
    for child in base.__subclasses__():
        yield from tree(child)


BASES = (errors.BackendError, Model.errors.ModelError, Data.errors.DataError)
CLASSES = sorted(
    {error for base in BASES for error in tree(base) if error.__module__.split(".")[0] in ("Backend", "Model", "Data")},
    key=lambda error: f"{error.__module__}.{error.__name__}",
)


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_every_error_has_a_row_of_its_own(error: type[Exception]) -> None:
    assert error in errors.PROBLEMS, f"{error.__module__}.{error.__name__} is missing in Backend/errors.py"


def test_no_row_is_of_a_class_that_is_gone() -> None:
    assert set(errors.PROBLEMS) == set(CLASSES)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = {line.strip("│├└─ ").split()[0] for line in (errors.__doc__ or "").splitlines() if "──" in line}
    assert drawn | {"BackendError"} == {error.__name__ for error in tree(errors.BackendError)}


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_faults_of_the_service_never_tell_their_own_message(error: type[Exception]) -> None:
    kind = errors.PROBLEMS[error]
    assert 400 <= kind.status < 600
    if kind.status >= 500 and not issubclass(error, errors.Busy):
        assert kind.detail


def test_slugs_name_one_problem_each() -> None:
    by_slug: dict[str, set[int]] = {}
    for kind in errors.PROBLEMS.values():
        by_slug.setdefault(kind.slug, set()).add(kind.status)
    assert all(len(statuses) == 1 for statuses in by_slug.values())


def test_an_unknown_error_is_a_fault_of_the_service() -> None:
    assert errors.problem_of(ZeroDivisionError).status == 500


def test_a_class_without_a_row_takes_its_ancestors() -> None:
    class Newer(Model.errors.NotAnImage):
        pass

    try:
        assert errors.problem_of(Newer) is errors.PROBLEMS[Model.errors.NotAnImage]
    finally:
        del Newer
