"""Append-only logs of frames: write, recover, verify, tail, snapshot; called by core, api and cli."""
