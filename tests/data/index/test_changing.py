"""Random histories of a catalogue: after every step the live index answers as a plain dictionary does."""

import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from Data.catalogue import Catalogue
from Data.features import FeatureRow, Features
from Data.filters import Filter
from Data.index.builder import build_generation
from Data.index.generations import current_name, generation_names, rollback
from Data.index.live import LiveIndex
from Data.product import Picture, Product

EMBEDDER, DIM = "embedder", 8
PICTURES = np.random.default_rng(4).standard_normal((40, DIM))
PICTURES = (PICTURES / np.linalg.norm(PICTURES, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
QUERY = PICTURES[:1]


@dataclass(frozen=True)
class Shown:
    """What the plain model knows of a product."""

    category: str
    price: int
    pictures: tuple[int, ...]


class History(RuleBasedStateMachine):
    """Products come, change and go; generations are built and rolled back; two followers watch."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        self.catalogue = Catalogue.open(f"sqlite:///{root / 'catalogue.sqlite'}")
        self.catalogue.migrate()
        self.features = Features(self.catalogue.engine)
        self.directory = root / "index"
        self.live = LiveIndex(self.directory, self.catalogue.engine, EMBEDDER)
        self.model: dict[str, Shown] = {}
        self.vectors = PICTURES.copy()
        self.embedded: set[int] = set()

    def teardown(self) -> None:
        self.catalogue.close()
        self.folder.cleanup()

    @rule(
        number=st.integers(0, 9),
        category=st.sampled_from(["dress", "shoes"]),
        price=st.integers(1, 5),
        pictures=st.lists(st.integers(0, 39), min_size=1, max_size=3, unique=True).map(tuple),
    )
    def put(self, number: int, category: str, price: int, pictures: tuple[int, ...]) -> None:
        self.model[f"p{number}"] = Shown(category, price, pictures)
        self.catalogue.upsert([self.product(f"p{number}")])
        self.features.put(EMBEDDER, [FeatureRow(f"{picture:064x}", self.vectors[picture]) for picture in pictures])
        self.embedded |= set(pictures)

    @rule(number=st.integers(0, 9), price=st.integers(1, 5))
    def change_price(self, number: int, price: int) -> None:
        if shown := self.model.get(f"p{number}"):
            self.model[f"p{number}"] = Shown(shown.category, price, shown.pictures)
            self.catalogue.upsert([self.product(f"p{number}")])

    @rule(numbers=st.sets(st.integers(0, 9), max_size=4))
    def delete(self, numbers: set[int]) -> None:
        ids = [f"p{number}" for number in numbers]
        self.catalogue.delete(ids)
        for product_id in ids:
            self.model.pop(product_id, None)

    @rule(picture=st.integers(0, 39), other=st.integers(0, 39))
    def embed_again(self, picture: int, other: int) -> None:
        if picture in self.embedded:
            self.vectors[picture] = PICTURES[other]
            self.features.put(EMBEDDER, [FeatureRow(f"{picture:064x}", self.vectors[picture])])

    @rule()
    def build(self) -> None:
        if self.model:
            build_generation(self.directory, self.features, EMBEDDER, threads=1)

    @rule()
    def go_back(self) -> None:
        now = current_name(self.directory)
        if now is not None and any(name < now for name in generation_names(self.directory)):
            rollback(self.directory)

    @rule()
    def restart(self) -> None:
        self.live = LiveIndex(self.directory, self.catalogue.engine, EMBEDDER)

    def product(self, product_id: str) -> Product:
        """Return a product as the model knows it."""
        shown = self.model[product_id]
        price = Decimal(shown.price)
        return Product(
            product_id=product_id,
            name=product_id,
            category=shown.category,
            price=price,
            final_price=price,
            currency="EUR",
            pictures=tuple(Picture(sha256=f"{picture:064x}") for picture in shown.pictures),
        )

    @invariant()
    def answers_are_right(self) -> None:
        self.live.refresh()
        for wanted in (Filter(), Filter(category=("shoes",)), Filter(max_price=Decimal(2))):
            expected = sorted(
                (
                    (max(float(self.vectors[picture] @ QUERY[0]) for picture in shown.pictures), product_id)
                    for product_id, shown in self.model.items()
                    if (not wanted.category or shown.category in wanted.category)
                    and (wanted.max_price is None or shown.price <= wanted.max_price)
                ),
                reverse=True,
            )
            found = self.live.search(QUERY, 20, wanted)[0]
            assert {hit.product_id for hit in found} == {product_id for _, product_id in expected}
            np.testing.assert_allclose([hit.cosine for hit in found], [score for score, _ in expected], atol=1e-3)
            assert [hit.category for hit in found] == [self.model[hit.product_id].category for hit in found]
        facts = self.live.facts()
        assert facts.product_count == len(self.model)
        assert facts.total_vectors == sum(len(shown.pictures) for shown in self.model.values())
        assert facts.generation == current_name(self.directory)
        assert facts.problem is None


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, phases=(Phase.explicit, Phase.generate, Phase.shrink)
)
