"""The FIX session layer without I/O, for both roles; used by gateways, simulators and tools."""

from __future__ import annotations

from thft.fix.session.machine import Session
from thft.fix.session.schedule import Schedule, Window
from thft.fix.session.store import MemoryStore, Retention, Sent, Store
from thft.fix.session.terms import (
    LOGGED_ON_STATES,
    Application,
    Event,
    NotLoggedOn,
    Now,
    NumbersReset,
    OrdersResent,
    PeerRejected,
    QueueDropped,
    RecoveryPolicy,
    RejectSent,
    ResendPolicy,
    RoundTrip,
    SessionConfig,
    State,
    StateChanged,
    Throttled,
    UnknownTransition,
)

__all__ = [
    "LOGGED_ON_STATES",
    "Application",
    "Event",
    "MemoryStore",
    "NotLoggedOn",
    "Now",
    "NumbersReset",
    "OrdersResent",
    "PeerRejected",
    "QueueDropped",
    "RecoveryPolicy",
    "RejectSent",
    "ResendPolicy",
    "Retention",
    "RoundTrip",
    "Schedule",
    "Sent",
    "Session",
    "SessionConfig",
    "State",
    "StateChanged",
    "Store",
    "Throttled",
    "UnknownTransition",
    "Window",
]
