"""Looking at one product's pictures again, because a shop asks for it."""

from Backend.indexer import Indexer, IndexReport
from Backend.services import Services, decode_limits
from Data.features import Features


def look_again(services: Services, product_id: str) -> IndexReport:
    """Embed a product's stored pictures anew and let this worker's index see it; the others follow by themselves.

    Pictures that are still to be fetched stay the indexer's.

    Raises:
        ProductNotFound: there is no such product.
        ImageStoreError, DatabaseError: nothing is marked as failed for that.
    """
    product = services.catalogue.get(product_id)
    indexer = Indexer(
        services.catalogue,
        services.images,
        Features(services.catalogue.engine),
        services.embedder,
        decode_limits(services.settings),
    )
    report = indexer.look_again([picture.sha256 for picture in product.pictures if picture.sha256])
    services.index.refresh()
    return report
