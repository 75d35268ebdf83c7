"""The api process: folds a replica of the engine's journal, serves it, takes commands for it."""
