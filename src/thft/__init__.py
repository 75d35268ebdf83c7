"""thft, a self-hosted trading engine; this module holds its display name and version."""

DISPLAY_NAME = "thft"
__version__ = "0.1.0"
