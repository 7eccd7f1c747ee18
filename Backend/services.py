"""Everything that a running Similook holds, opened from the settings: the same for API, indexer and tests."""

import threading
from dataclasses import dataclass
from pathlib import Path

import structlog

from Backend.folders import make_folder
from Backend.metrics import Metrics
from Backend.overview import Overviews
from Backend.recommender import Recommender
from Backend.secretfiles import read_or_create
from Backend.security import ApiKeys, new_key
from Backend.settings import Settings
from Backend.tokens import QueryTokens
from Data.catalogue import Catalogue
from Data.images import ImageStore
from Data.index.live import LiveIndex
from Model.card import Card
from Model.embedder import Embedder
from Model.encoders import find_encoder
from Model.errors import CardInvalid
from Model.preprocess import DecodeLimits
from Model.segmenters import find_segmenter
from Model.weights import find_model

CLASSIFIER_CHECK_S = 2.0

log = structlog.stdlib.get_logger(__name__)


def open_catalogue(settings: Settings) -> Catalogue:
    """Open the database and check that its tables are this program's.

    Raises:
        PathUnusable: the data folder cannot be made.
        SecretUnusable: the database's password cannot be read.
        DatabaseUnavailable, DatabaseOutOfDate.
    """
    if not settings.database_url:
        make_folder(settings.data_dir)
    return Catalogue.open(settings.database)


def open_images(settings: Settings) -> ImageStore:
    """Open the picture store."""
    return ImageStore(settings.images)


def decode_limits(settings: Settings) -> DecodeLimits:
    """Return what a picture may be, whether it is uploaded, fetched or stored already."""
    return DecodeLimits(settings.max_upload_bytes, settings.max_pixels)


def check_networks(settings: Settings) -> None:
    """Check that the networks that the settings name are there, whole, and of their kind, without loading them.

    Raises:
        UnknownName, ModelNotFound, CardInvalid, ChecksumMismatch: one sentence each that says what there is.
    """
    folders = {
        "encoder": find_encoder(settings.encoder, settings.models)[1],
        "segmenter": find_segmenter(settings.segmenter, settings.models)[1],
        "classifier": find_model(settings.classifier, settings.models) if settings.classifier else None,
    }
    for kind, folder in folders.items():
        if folder is None:
            continue
        card = Card.load(folder)
        if card.kind != kind:
            raise CardInvalid(f"{folder.name} is a model of kind {card.kind}, not {kind}: choose another.")
        card.read_model(folder)


def open_embedder(settings: Settings) -> Embedder:
    """Load the networks.

    Raises:
        ModelError: one is missing, damaged, or computes something else on this machine.
    """
    return Embedder.load(
        settings.models,
        settings.encoder,
        settings.segmenter,
        settings.classifier or None,
        settings.inference_threads,
    )


def api_keys(settings: Settings) -> ApiKeys:
    """Return the keys that may write."""
    return ApiKeys(settings.api_key_file or settings.secrets_dir / "api_key", settings.secrets_dir / "keys.json")


def query_tokens(settings: Settings, embedder_id: str) -> QueryTokens:
    """Return the signer of query tokens, with the secret that all workers share."""
    path = settings.token_secret_file or settings.secrets_dir / "token"
    return QueryTokens(read_or_create(path, new_key), embedder_id)


@dataclass(frozen=True)
class Services:
    """What a running service holds.

    Nothing here belongs to one worker alone but the index's poller and the check for a new classifier.
    """

    settings: Settings
    catalogue: Catalogue
    images: ImageStore
    embedder: Embedder
    index: LiveIndex
    recommender: Recommender
    overviews: Overviews
    keys: ApiKeys
    thumbnails: Path
    _stop: threading.Event

    @classmethod
    def open(cls, settings: Settings, metrics: Metrics) -> "Services":
        """Load networks, database and index, and start following changes.

        Raises:
            ModelError, DataError, SecretUnusable: one sentence each that says what to do.
        """
        catalogue = open_catalogue(settings)
        catalogue.check()
        embedder = open_embedder(settings)
        index = LiveIndex(settings.index_dir, catalogue.engine, embedder.embedder_id)
        index.start()
        keys = api_keys(settings)
        keys.first_key()
        recommender = Recommender(
            embedder,
            index,
            catalogue,
            query_tokens(settings, embedder.embedder_id),
            decode_limits(settings),
            metrics.stage,
            settings.category_weight,
        )
        services = cls(
            settings=settings,
            catalogue=catalogue,
            images=open_images(settings),
            embedder=embedder,
            index=index,
            recommender=recommender,
            overviews=Overviews(catalogue, embedder.embedder_id),
            keys=keys,
            thumbnails=settings.cache_dir / "thumbnails",
            _stop=threading.Event(),
        )
        threading.Thread(target=services._watch_classifier, name="classifier", daemon=True).start()
        return services

    def _watch_classifier(self) -> None:
        """Take up a newly trained classifier. A damaged one is logged by Model, and the old one goes on serving."""
        while not self._stop.wait(CLASSIFIER_CHECK_S):
            try:
                if self.embedder.reload_classifier_if_changed():
                    log.info("classifier reloaded")
            except Exception:  # nobody else would notice that the thread has ended
                log.exception("looking for a new classifier failed, it is looked for again")

    def close(self) -> None:
        """Stop following changes and let go of the database."""
        self._stop.set()
        self.index.stop()
        self.catalogue.close()
