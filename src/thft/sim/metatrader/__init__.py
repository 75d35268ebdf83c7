"""A MetaTrader terminal with its EA that dials the engine's bridge; by `thft venue` and tests."""
