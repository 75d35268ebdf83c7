"""Certification of a dialect against a counterpart, nothing of it taken on trust; run by cli."""

from __future__ import annotations

from thft.gateway.certify.report import Report, Step, Verdict
from thft.gateway.certify.run import STEPS, certify, intended
from thft.gateway.certify.trial import CannotBegin, Means

__all__ = ["STEPS", "CannotBegin", "Means", "Report", "Step", "Verdict", "certify", "intended"]
