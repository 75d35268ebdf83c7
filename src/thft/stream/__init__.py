"""Append-only logs of frames: write, recover, verify, tail, snapshot; used by core, api, cli."""
