"""Runs the program as `python -m thft`; the supervisor starts its roles this way."""

from thft.cli.main import main

main()
