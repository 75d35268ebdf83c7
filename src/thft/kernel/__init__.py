"""Decides: one input event in, outcomes and effects out; called by core, replay and sim."""
