"""The room that composes: service, indexer and command line over `Model` (what is seen) and `Data` (what is sold)."""
