"""The room that composes: service, indexer and command line over `Model` (what is seen) and `Data` (what is sold)."""

VERSION = "0.1.0"
"""As in pyproject.toml, which is not there in a container; a test holds the two together."""
