"""See how schedulers decide."""

__version__ = "0.1.0"
