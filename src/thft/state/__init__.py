"""Folds events into the state of the engine; called by the kernel, the api replica and replay."""
