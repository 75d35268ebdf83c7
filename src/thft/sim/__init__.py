"""Venues that do not exist: simulators with faults, market model, whole-engine simulation."""
