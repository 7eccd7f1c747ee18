"""The HTTP routes, one file per subject. A new one is a file with a `router` and a line here."""

from Backend.routes import (
    by_product,
    catalogue,
    categories,
    classic,
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
    products.router,
    catalogue.router,
    catalogue.readers,
    categories.router,
    stats.router,
    images.router,
    health.router,
    classic.router,
    widget.router,
)
