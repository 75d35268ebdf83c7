"""One WebSocket connection of a feed: frames into the dialect, its frames out; made by `feed`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from thft.gateway.gate import Gate
from thft.gateway.limiter import Item, Lane
from thft.gateway.port import EngineInbox
from thft.gateway.supervisor import loop_ns
from thft.gateway.ws.dialect import Fetch, VenueDialect

RECORDS_PER_BATCH = 64
"""So many messages are decoded before the engine acts on the first of them."""
MESSAGES_PER_TURN = 1_024
"""So many, and what is left of a batch, before what they brought is written."""
APART_NS, LATE_S = 500_000, 0.001
"""Market data that nothing has to leave for is written once in so long, and so late at most."""
MARKET_TIME = b"market-time:"
PING = b"thft:"
NEVER = 1 << 62
TEXT, CONTINUATION = WSMsgType.TEXT, WSMsgType.CONTINUATION
"""Looked up once: a member of an enumeration costs more than the rest of the test."""


class Owner(Protocol):
    """The feed whose connection this is."""

    feed: int
    state: str
    link: str
    max_frame_bytes: int

    def moved(self, state: str, reason: str) -> None:
        """Takes a change of the connection's state."""
        ...

    def round_trip(self, ns: int) -> None:
        """Takes a measured round trip."""
        ...


class Connection(WSListener):
    """See the module; times are the loop's."""

    __slots__ = (
        "_begun", "_dialect", "_fetch", "_fragments", "_gate", "_inbox", "_late", "_loop",
        "_new_buffer", "_ordinary", "_owed", "_owner", "_probed", "_read", "_recv_ts_ns", "_taken",
        "_transport", "_written_ns", "began", "ended", "last_heard",
    )  # fmt: skip

    def __init__(
        self,
        owner: Owner,
        inbox: EngineInbox,
        dialect: VenueDialect,
        gate: Gate,
        fetch: Callable[[Fetch], None],
    ) -> None:
        """`fetch` begins a GET whose answer comes back by `fetched`."""
        self._owner = owner
        self._inbox = inbox
        self._dialect = dialect
        self._gate = gate
        self._fetch = fetch
        self._transport: WSTransport | None = None
        self._taken = 0
        self._fragments = bytearray()
        self._begun = False
        """A message in fragments has begun."""
        self._probed = 0.0
        self._owed: bytes | None = None
        """The last ping that is not answered yet."""
        self._read = dialect.reader.take
        self._new_buffer = self._ordinary = True
        """`_ordinary`: the reader may take what comes; not while the dialect has books to renew."""
        self._recv_ts_ns = self._written_ns = 0
        self._late: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self.began = self.last_heard = self._loop.time()
        self.ended = ""

    # ---- coming in -----------------------------------------------------------------------------

    def on_ws_connected(self, transport: WSTransport) -> None:
        if self.ended:  # nobody waits for it any more
            transport.disconnect(graceful=False)
            return
        self._transport = transport
        self._owner.moved("SYNCING", "connected, subscribing")
        self._answer(self._dialect.begin())
        self._inbox.turn_end()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if self._new_buffer:  # what came in one read has come at one time
            self._new_buffer = False
            self.last_heard = self._loop.time()
            self._recv_ts_ns = self._inbox.now_ns()
            self._ordinary = not self._dialect.renewals.due
        kind = frame.msg_type
        if kind is TEXT and self._ordinary and frame.fin:  # nearly always
            waiting = self._read(frame.get_payload_as_bytes())
            if waiting:
                if frame.last_in_buffer or waiting > RECORDS_PER_BATCH:
                    self._batch(waiting, frame)
                return
        self._other(transport, frame, kind)
        if frame.last_in_buffer or self._taken >= RECORDS_PER_BATCH:
            self._turn_end(frame)

    def _batch(self, waiting: int, frame: WSFrame) -> None:
        """Lets the engine act on what the reader has made; a turn ends when something leaves."""
        self._taken += waiting - 1
        ends = self._flush() or self._taken >= MESSAGES_PER_TURN
        last = bool(frame.last_in_buffer)
        if ends or (last and self._recv_ts_ns - self._written_ns >= APART_NS):
            self._turn_end(frame)
        elif last:
            self._new_buffer = True
            self._late = self._late or self._loop.call_later(LATE_S, self._write)

    def _flush(self) -> bool:
        """Hands over what the reader has made; returns whether something has to leave."""
        if not self._dialect.reader.waiting:
            return False
        acts = self._dialect.flush(self._recv_ts_ns)
        if self._owner.state != "READY":
            self._owner.moved("", "")
        return acts

    def _other(self, transport: WSTransport, frame: WSFrame, kind: WSMsgType) -> None:
        """Takes a frame that the reader has left."""
        self._flush()
        if self.ended:
            return  # what the socket held when it was given up
        if frame.payload_size > self._owner.max_frame_bytes:
            self._too_large(frame.payload_size)
            return
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.give_up("a compressed frame, or another extension that was not agreed on")
        elif kind == TEXT and frame.fin:
            self._text(frame.get_payload_as_bytes())
        elif kind in (TEXT, CONTINUATION):
            self._fragment(frame)
        else:
            self._control(transport, frame, kind)
        if self._dialect.leave:
            self.give_up(self._dialect.leave)

    def _turn_end(self, frame: WSFrame) -> None:
        self._new_buffer = bool(frame.last_in_buffer)
        self._write()

    def _write(self) -> None:
        """Ends the turn."""
        if self._late is not None:
            self._late.cancel()
            self._late = None
        self._taken = 0
        self._written_ns = self._recv_ts_ns
        self._inbox.turn_end()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        self._flush()
        self._gate.throttle.forget(self._owner.link)
        self._write()

    def _control(self, transport: WSTransport, frame: WSFrame, kind: WSMsgType) -> None:
        if kind == WSMsgType.PING:
            self._pinged(transport, frame.get_payload_as_bytes())
        elif kind == WSMsgType.PONG:
            sent = frame.get_payload_as_bytes().removeprefix(PING)
            if sent.isdigit() and len(sent) < 20:
                self._owner.round_trip(max(loop_ns() - int(sent), 0))
        elif kind == WSMsgType.CLOSE:
            payload = frame.get_payload_as_bytes()
            code = int.from_bytes(payload[:2], "big") or "no code"
            said = payload[2:].decode(errors="replace") or "no reason given"
            self.ended = self.ended or f"closed by the venue: {code}, {said}"
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        else:
            self._inbox.feed_fault(self._owner.feed, 0, "unknown_message", "binary frame")

    def _too_large(self, size: int) -> None:
        """Leaves a connection that brings a frame beyond the bound; its content is not touched."""
        bound = self._owner.max_frame_bytes
        self._inbox.feed_fault(self._owner.feed, 0, "oversize", f"a frame of {size} bytes")
        self.give_up(f"a frame of {size} bytes is larger than {bound} bytes")

    def _text(self, payload: bytes) -> None:
        """Takes one message; READY while the dialect is synced, SYNCING while it is not."""
        dialect = self._dialect
        answers = dialect.received(payload, self._recv_ts_ns)
        if answers or dialect.fetches:
            self._answer(answers)
        self._taken += 1
        if dialect.waiting or self._owner.state != "READY":
            self._owner.moved("", "")

    def _fragment(self, frame: WSFrame) -> None:
        """Puts a message together that came in several frames, within the bound of one frame."""
        if self._begun is (frame.msg_type is TEXT):
            self.give_up("a fragment out of order")
            return
        self._begun = not frame.fin
        self._fragments += frame.get_payload_as_bytes()
        if len(self._fragments) > self._owner.max_frame_bytes:
            self._fragments.clear()
            self.give_up("a message in fragments is larger than a frame may be")
        elif frame.fin:
            payload = bytes(self._fragments)
            self._fragments.clear()
            self._text(payload)

    def _pinged(self, transport: WSTransport, payload: bytes) -> None:
        if payload.startswith(MARKET_TIME) and (ns := payload.split(b":")[1]).isdigit():
            self._inbox.market_time(int(ns))
            self._recv_ts_ns = self._inbox.now_ns()
            transport.send_pong(payload)  # a simulator waits for every one
            return
        owed, self._owed = self._owed, payload
        if owed is None:
            self._pong()

    def _pong(self) -> None:
        """Answers the last ping, which is enough, as soon as the limits allow."""
        if self._transport is None or self._owed is None:
            return
        wait_ns = self._gate.throttle.sign_ns(self._owner.link, loop_ns())
        if wait_ns:
            self._loop.call_later(wait_ns / 1e9, self._pong)
            return
        self._transport.send_pong(self._owed)
        self._owed = None
        self._said()

    def fetched(self, fetch: Fetch, body: bytes | None, error: str) -> None:
        """Gives the dialect the answer to a GET, or why there is none."""
        if self._transport is not None:
            self._answer(self._dialect.fetched(fetch, body, error))
            self._owner.moved("", "")
            self._inbox.turn_end()

    # ---- going out -----------------------------------------------------------------------------

    def probe(self, interval_s: float) -> None:
        """Asks the venue for a sign of life, once in an interval."""
        now = self._loop.time()
        if self._transport is None or now - self._probed < interval_s:
            return
        if self._gate.throttle.sign_ns(self._owner.link, loop_ns()):
            return  # with the next look
        self._probed = now
        message = self._dialect.probe()
        if message is None:
            self._transport.send_ping(PING + str(loop_ns()).encode())
        else:
            self._out(message)
        self._said()

    def give_up(self, reason: str) -> None:
        """Ends the connection from our side."""
        self.ended = self.ended or reason
        if self._transport is not None:
            self._transport.send_close(WSCloseCode.GOING_AWAY)
            self._transport.disconnect()

    def answer(self, frames: Iterable[bytes]) -> None:
        """Queues frames; they go as fast as the venue's limits allow."""
        self._answer(frames)

    def _answer(self, frames: Iterable[bytes]) -> None:
        link, throttle = self._owner.link, self._gate.throttle
        for frame in frames:
            throttle.put(Lane.DATA, Item(link, partial(self._out, frame), self._full, NEVER))
        for fetch in self._dialect.fetches[: self._dialect.max_fetches]:
            self._fetch(fetch)
        self._dialect.fetches.clear()
        self._gate.run()

    def _out(self, frame: bytes) -> None:
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, frame)

    def _full(self) -> None:
        """A frame will never go: the connection is over, or too much waits before it."""
        if self._transport is not None:
            self.give_up("more requests wait than the broker's limits let out")

    def _said(self) -> None:
        """Counts what went without asking the throttle: signs of life."""
        self._gate.throttle.said(self._owner.link, 1, loop_ns())
        self._gate.mark()
