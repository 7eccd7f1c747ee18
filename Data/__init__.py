"""Products, pictures, saved features and vector indexes; knows no model and no HTTP service."""
