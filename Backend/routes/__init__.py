"""The HTTP routes, one file per subject. A new one is a file with a `router` and a line here."""

from Backend.routes import catalogue, categories, classic, health, images, photos, products, recommendations

ROUTERS = (
    recommendations.router,
    photos.router,
    products.router,
    catalogue.router,
    catalogue.readers,
    categories.router,
    images.router,
    health.router,
    classic.router,
)
