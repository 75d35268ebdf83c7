"""Mutated frames against an Expert under sanitizers; for tests, and by hand as a long campaign.

`python -m tests.mql.fuzz_campaign FRAMES SEED` runs both Experts; THFT_LEDGER=1 notes it. What was
signed by the key of this connection, with the right number, may trade; nothing else may.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

from tests.ledger import note
from tests.mql import mutations as m
from tests.mql.peer import Ended, Peer
from tests.mql.terminal import Terminal

from thft.gateway.metatrader.protocol import keys as k
from thft.gateway.metatrader.protocol import records as r
from thft.gateway.metatrader.protocol import shapes

NOT_HANDED_ON = ("refused", "late", "duplicate")
FORGERIES = ("bytes", "mac", "number", "replay", "order", "count", "raw", "long")
STEP_MS = 1_000


class Campaign:
    """One Expert and how it took what was thrown at it."""

    def __init__(self, dialect: int, seed: int, quirks: bool = False) -> None:
        self.random = Random(seed)
        self.peer = Peer()
        self.terminal = Terminal(
            dialect,
            self.peer.port,
            step_ms=STEP_MS,
            seed=seed & 0x7FFFFFFF,
            quirks=quirks,
            hedging=dialect == 5,
        )
        self.kinds: Counter[str] = Counter()
        self.classes: Counter[str] = Counter()
        self.connections = 0
        self.traded = 0
        self.old_keys: list[k.Keys] = []
        self.old_frames: list[bytes] = []
        self.tickets: list[int] = []
        self.closed = False

    @property
    def frames(self) -> int:
        return sum(self.kinds.values())

    def run(self, frames: int) -> None:
        """Throws so many frames; raises AssertionError at the first wrong answer."""
        self.terminal.ask("burst EURUSD 5")
        while self.frames < frames:
            self._connection()
            report = self.terminal.report()
            assert report["order_sends"] == self.traded, (report, self.traded, self.kinds)
            if self.connections % 50 == 0:
                self.terminal.ask("burst EURUSD 1")
                if self.connections % 500 == 0:  # a full account makes the searches long
                    self.terminal.ask("forget")
                open_now = [row[0] for row in report["positions"] + report["orders"]]
                self.tickets = self.random.sample(open_now, min(len(open_now), 20))

    def close(self) -> None:
        """Ends it; raises AssertionError at a report of a sanitizer."""
        self.closed = True
        self.peer.close()
        self.terminal.close()

    def _connection(self) -> None:
        self.connections += 1
        random, peer = self.random, self.peer
        stage = random.random()
        if stage < 0.15:
            peer.accept()
            self._before_challenge()
            return
        if stage < 0.3:
            peer.accept()
            peer.challenge()
            peer.wait(r.Auth)
            self._before_welcome()
            return
        peer.welcome()
        for _ in range(random.randint(0, 9)):
            if not self._authentic():
                return
        self._forged()

    # ---- before WELCOME ------------------------------------------------------------------------

    def _before_challenge(self) -> None:
        peer, random = self.peer, self.random
        nonce = secrets.token_hex(16)
        right = f"1|CHALLENGE|1|{nonce}|{peer.now_ms()}"
        made = random.choice(
            (
                lambda: m.line(m.other_field(random, right)),
                lambda: m.other_bytes(random, m.line(right)),
                lambda: m.line(
                    f"1|REJECT|{random.choice(('VERSION', 'AUTH', 'MODE', 'LIMIT'))}|no"
                ),
                lambda: m.line("1|BYE|STOP|over"),
                lambda: m.line("1|BYE|REPLACED|not signed"),
                lambda: self._raw(),
                lambda: m.line(m.body_of(peer, peer.order("early"), 1)),
            )
        )()
        self._throw("before CHALLENGE", made)

    def _before_welcome(self) -> None:
        peer, random = self.peer, self.random
        assert peer.keys is not None
        right = f"2|WELCOME|{peer.keys.proof_engine}|2000|15000"
        order = m.body_of(peer, peer.order("early"), 2)
        made = random.choice(
            (
                lambda: m.line(f"2|WELCOME|{secrets.token_hex(32)}|2000|15000"),
                lambda: m.line(f"2|WELCOME|{peer.keys and peer.keys.proof_ea}|2000|15000"),
                lambda: m.other_bytes(random, m.line(right)),
                lambda: m.signed(peer, order),
                lambda: m.line(order),
                lambda: m.line(f"2|CHALLENGE|1|{secrets.token_hex(16)}|1"),
                lambda: self._raw(),
                lambda: random.choice(self.old_frames or [b"\n"]),
            )
        )()
        self._throw("before WELCOME", made)

    # ---- after WELCOME -------------------------------------------------------------------------

    def _authentic(self) -> bool:
        """Says something rightly signed, its fields right or not; returns whether it goes on."""
        peer, random = self.peer, self.random
        said = m.record(peer, random, self.tickets)
        number = peer.out + 1
        body = m.body_of(peer, said, number)
        right = random.random() < 0.5
        if not right:
            body = m.other_field(random, body)
        sent = m.signed(peer, body)
        self.old_frames = [*self.old_frames[-200:], sent]
        self.kinds["right" if right else "field"] += 1
        peer.out = number
        acked = len(peer.all(r.Ack))
        peer.raw(sent)
        alive = self._answered(number, acked)
        owed = right and isinstance(said, (*shapes.COMMANDS, r.Ping))
        assert alive or not owed, (body, peer.got[-3:])
        return alive

    def _answered(self, number: int, acked: int) -> bool:
        """Waits for what a frame leads to; a PING behind it shows that it was taken."""
        peer = self.peer
        try:
            peer.ping()
        except Ended:
            self._count()
            return False
        self._count()
        return True

    def _count(self) -> None:
        for one in self.peer.all(r.Result):
            self.classes[one.outcome] += 1
            self.traded += one.outcome not in NOT_HANDED_ON
        acks, results = len(self.peer.all(r.Ack)), len(self.peer.all(r.Result))
        assert acks == results, self.peer.got[-5:]
        self.peer.got.clear()

    def _forged(self) -> None:
        """Says something that the engine never says; all that comes behind it is for nothing."""
        peer, random = self.peer, self.random
        kind = random.choice(FORGERIES)
        said = m.record(peer, random, self.tickets)
        number = peer.out + 1
        body = m.body_of(peer, said, number)
        match kind:
            case "bytes":
                made = m.other_bytes(random, m.signed(peer, body))
            case "mac":
                made = m.other_mac(peer, random, body, self.old_keys)
            case "number":
                made = m.signed(peer, m.other_number(random, number) + body[body.index("|") :])
            case "replay":
                made = random.choice(self.old_frames or [b"x\n"])
            case "order":
                made = self._out_of_place(number)
            case "count":
                more = body + "|" if random.random() < 0.5 else body.rpartition("|")[0]
                made = m.signed(peer, more)
            case "raw":
                made = self._raw()
            case _:
                made = (
                    b"7" * 70_000
                    if random.random() < 0.5
                    else m.signed(peer, body + "|" + "z" * 66_000)
                )
        peer.out = number
        behind = b"".join(peer.frame(peer.order(f"behind{i}")) for i in range(random.randint(0, 3)))
        self._throw(kind, made, behind)
        assert peer.keys is not None
        self.old_keys = [*self.old_keys[-5:], peer.keys]

    def _out_of_place(self, number: int) -> bytes:
        """Returns a frame that has its place elsewhere."""
        peer = self.peer
        assert peer.keys is not None
        welcome = r.Welcome(peer.keys.proof_engine, 2_000, 15_000)
        places: tuple[Any, ...] = (
            *(welcome, r.Challenge("1", "0" * 32, 1), r.Reject("AUTH", "no"), r.Auth("x")),
            *(r.Pong(1, 1, 1), r.Present(1, 1), r.Ack(1), r.Gone("order", 1)),
        )
        said = self.random.choice(places)
        body = f"{number}|{shapes.name_of(type(said))}|{shapes.fields_of(said)}"
        return m.signed(peer, body) if self.random.random() < 0.7 else m.line(body)

    def _raw(self) -> bytes:
        random = self.random
        return random.choice(
            (
                lambda: random.randbytes(random.randint(1, 300)) + b"\n",
                lambda: b"\n" * random.randint(1, 50),
                lambda: b"|" * random.randint(1, 500) + b"\n",
                lambda: b"5|00000000|1|BYE\n",
                lambda: b"99999|00000000|x\n",
                lambda: b"-1|00000000|\n",
                lambda: m.line(random.randbytes(random.randint(0, 60)).replace(b"\n", b"")),
                lambda: m.line("1"),
                lambda: m.line("|||||||||||||||"),
                lambda: m.line("1|" + "A" * 3_000),
            )
        )()

    def _throw(self, kind: str, made: bytes, behind: bytes = b"") -> None:
        """Sends what must end the connection, in pieces at times; nothing may be done for it."""
        peer, random = self.peer, self.random
        self.kinds[kind] += 1
        cut = random.randrange(len(made)) if made and random.random() < 0.3 else 0
        sent_acks = len(peer.all(r.Ack))
        try:
            if cut:
                peer.raw(made[:cut])
                peer.receive(0.0005)
            # an end of line, then what is no frame: also what lost its end is one by then
            peer.raw(made[cut:] + behind + b"\nnothing\n")
            if not peer.is_open:
                peer.raw(b"x" * 5_000 + b"\n")
        except Ended:
            pass
        peer.ended()
        assert len(peer.all(r.Ack)) == sent_acks, (kind, made[:300], peer.got[-4:])


def campaign(dialect: int, frames: int, seed: int, quirks: bool = False) -> dict[str, Any]:
    """Runs one campaign to its end; returns its figures."""
    began = time.monotonic()
    one = Campaign(dialect, seed, quirks)
    try:
        one.run(frames)
        one.close()
    finally:
        if not one.closed:
            one.terminal.kill()
    figures: dict[str, Any] = {
        "expert": f"mt{dialect}",
        "what": "fuzz",
        "seed": seed,
        "quirks": quirks,
        "frames": one.frames,
        "connections": one.connections,
        "kinds": dict(sorted(one.kinds.items())),
        "results": dict(sorted(one.classes.items())),
        "order_sends": one.traded,
        "failures": 0,
        "seconds": round(time.monotonic() - began),
    }
    note("metatrader_ea", **figures)
    return figures


def main() -> None:
    """Runs both Experts at once; arguments: frames, seed, and "quirks" if they are wanted."""
    frames, seed, quirks = int(sys.argv[1]), int(sys.argv[2]), "quirks" in sys.argv[3:]
    with ThreadPoolExecutor(2) as pool:
        for figures in pool.map(lambda one: campaign(one, frames, seed + one, quirks), (5, 4)):
            print(figures)


if __name__ == "__main__":
    main()
