"""The HTTP routes, one file per subject. A new one is a file with a `router` and a line here."""

from Backend.routes import (
    by_product,
    catalogue,
    categories,
    classic,
    docs,
    health,
    images,
    photos,
    products,
    recommendations,
    stats,
    widget,
)

ROUTERS = (
    recommendations.router,
    by_product.router,
    photos.router,
    catalogue.readers,  # before products: an id may hold slashes, and what ends in /status is asked here
    products.router,
    catalogue.router,
    categories.router,
    stats.router,
    images.router,
    health.router,
    classic.router,
    widget.router,
    docs.router,
)
