"""Benchmarks: each with its baseline in the same run, its result in docs/results with command, commit and machine."""
