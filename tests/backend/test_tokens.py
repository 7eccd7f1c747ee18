"""query_token: comes back as it went out, and nobody else can make or alter one."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from Backend.errors import TokenInvalid, TokenStale
from Backend.tokens import QueryTokens, TokenFacts

CATEGORIES = (
    "bag", "dress", "hat", "hoodie", "longsleeve", "outerwear", "pants", "polo", "shirt", "shoes", "shorts", "skirt",
    "t-shirt",
)  # fmt: skip
SHARES = {"dress": 0.9, "skirt": 0.066, "shirt": 0.012, "polo": 0.022}
FACTS = TokenFacts(
    category="dress",
    probability=0.9,
    coverage=0.4,
    found=True,
    probabilities={slug: SHARES.get(slug, 0.0) for slug in CATEGORIES},
)


def unit(seed: int = 0) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=512).astype(np.float32)
    return vector / np.linalg.norm(vector)


@pytest.fixture(scope="module")
def tokens() -> QueryTokens:
    return QueryTokens("a secret of enough characters", "0123456789abcdef")


def test_round_trip_keeps_vector_and_facts(tokens: QueryTokens) -> None:
    vector, facts = tokens.read(tokens.sign(unit(), FACTS))
    assert facts == FACTS
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    assert float(vector @ unit()) > 0.99999


def test_facts_without_a_category(tokens: QueryTokens) -> None:
    facts = TokenFacts(category=None, probability=0.0, coverage=0.0, found=False)
    assert tokens.read(tokens.sign(unit(), facts))[1] == facts


def test_is_short_enough_for_a_header(tokens: QueryTokens) -> None:
    assert len(tokens.sign(unit(), FACTS)) < 2_000


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_flipped_bit_is_refused(position: int, bit: int) -> None:
    tokens = QueryTokens("a secret of enough characters", "0123456789abcdef")
    data = bytearray(base64.urlsafe_b64decode(tokens.sign(unit(), FACTS) + "=="))
    data[position % len(data)] ^= 1 << bit
    with pytest.raises(TokenInvalid):
        tokens.read(base64.urlsafe_b64encode(bytes(data)).decode().rstrip("="))


@given(st.text(max_size=400))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(TokenInvalid):
        QueryTokens("a secret of enough characters", "0123456789abcdef").read(text)


@pytest.mark.parametrize("cut", [1, 40, 400])
def test_a_cut_off_token_is_refused(tokens: QueryTokens, cut: int) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(tokens.sign(unit(), FACTS)[:-cut])


def test_another_secret_does_not_open_it(tokens: QueryTokens) -> None:
    with pytest.raises(TokenInvalid):
        QueryTokens("another secret altogether", "0123456789abcdef").read(tokens.sign(unit(), FACTS))


def test_a_token_of_other_networks_is_stale(tokens: QueryTokens) -> None:
    newer = QueryTokens("a secret of enough characters", "fedcba9876543210")
    with pytest.raises(TokenStale):
        newer.read(tokens.sign(unit(), FACTS))
