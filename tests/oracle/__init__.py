"""Replays recorded vectors with the package's own classes: `python -m tests.oracle PATH...`."""
