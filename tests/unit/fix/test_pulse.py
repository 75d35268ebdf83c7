"""The times of a connection: the first of them, which is asked for after every turn."""

from __future__ import annotations

import pytest

from thft.base.prng import Prng
from thft.fix.session.pulse import SECOND_NS, Pulse


@pytest.mark.parametrize("seed", range(200))
def test_the_next_time_is_the_first_of_the_three(seed: int) -> None:
    prng = Prng(seed)
    cap, idle, interval = (prng.between(0, 1) * prng.between(1, 40) for _ in range(3))
    pulse = Pulse(cap * SECOND_NS, idle * SECOND_NS)
    assert pulse.next_ns(0) == pulse.dead_ns
    pulse.begin(interval, prng.between(0, SECOND_NS))
    if prng.between(0, 1):
        pulse.heard(prng.between(0, 60 * SECOND_NS))
    if prng.between(0, 1):
        pulse.probed_ns = prng.between(0, 90 * SECOND_NS)
    last_sent_ns = prng.between(0, 60 * SECOND_NS)
    times = pulse.dead_ns, pulse.probe_ns, pulse.heartbeat_ns(last_sent_ns)
    assert pulse.next_ns(last_sent_ns) == min((at for at in times if at is not None), default=None)
