"""Everything that a running Similook holds, opened from the settings: the same for API, indexer and tests."""

import threading
from dataclasses import dataclass
from pathlib import Path

import structlog

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
from Model.embedder import Embedder
from Model.preprocess import DecodeLimits

CLASSIFIER_CHECK_S = 2.0

log = structlog.stdlib.get_logger(__name__)


def open_catalogue(settings: Settings) -> Catalogue:
    """Open the database and check that its tables are this program's.

    Raises:
        DatabaseUnavailable, DatabaseOutOfDate.
    """
    if not settings.database_url:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Catalogue.open(settings.database)


def open_images(settings: Settings) -> ImageStore:
    """Open the picture store."""
    return ImageStore(settings.images)


def decode_limits(settings: Settings) -> DecodeLimits:
    """Return what a picture may be, whether it is uploaded, fetched or stored already."""
    return DecodeLimits(settings.max_upload_bytes, settings.max_pixels)


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
