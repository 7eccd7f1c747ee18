"""The catalogue room: products, pictures, saved features, vector indexes. Knows no model and no HTTP service."""
