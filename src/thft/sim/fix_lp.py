"""A simulated liquidity provider on real sockets: one dialect, its quirks, faults; run by cli.

It has its own orders and positions, which are the truth: tests read `ledgers`. Prices come in by
`tick`, as at the other simulated venues. See docs/simulation.md.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable

from thft.base.errors import LocalError
from thft.fix import tags
from thft.fix.session import MemoryStore, Now, State
from thft.fix.wire import Header, Message
from thft.gateway.fix_link import now
from thft.model.fixed import ABSENT
from thft.sim.fix.client import Client, House
from thft.sim.fix.door import Door
from thft.sim.fix.faults import VENUE, Fault, Faults
from thft.sim.fix.orders.desk import Desk
from thft.sim.fix.orders.inquiries import Inquiries
from thft.sim.fix.orders.ledger import Ledger, Report, VenueOrder
from thft.sim.fix.orders.words import OrderWords
from thft.sim.fix.profile import Profile
from thft.sim.fix.quotes.market import Market
from thft.sim.market_model import SLOW, MarketModel, decimal_text

FIRST_IDS = {"order": 5_501, "position": 4_410, "execution": 90_001}
GARBAGE = b"\x00\xff8=FIX.4.4\x019=oops\x0135=8\x01 \r\n8=FIX.4.4\x019=5\x0135=0\x0110=999\x01"
UNSUPPORTED = 3
TURN_S = 0.002
GOODBYE_S = 1.0


class FixVenue:
    """See the module. Times of faults count from `listen`; all chance comes from `seed`."""

    def __init__(self, profile: Profile, seed: int = 1, faults: Iterable[Fault] = ()) -> None:
        self.profile = profile
        self.name = profile.dialect.name
        self.faults = Faults(seed, lambda: now().monotonic_ns)
        self._planned = list(faults)
        self._counters = dict(FIRST_IDS)
        self.market = Market(profile, self._next_id, self.faults.between)
        self.door = Door(House(profile, self.faults, self._take, self._passing, self._moved))
        self.ledgers = {
            login.account: Ledger(login.account, login.hedged, self._next_id)
            for login in profile.logins
        }
        """The truth, by account."""
        self.desk = Desk(profile, self.market, self.faults, self._next_id, self._later, self._said)
        self._inquiries = Inquiries(
            profile,
            self._next_id,
            lambda message, client: self.door.rules.matches(message, client.login),
        )
        self._orders = OrderWords(profile)
        self._answers = {
            "D": self.desk.new_order,
            "F": self.desk.cancel,
            "G": self.desk.change,
            **self._inquiries.answers,
        }
        self._timers: set[asyncio.TimerHandle] = set()
        self._subscribed = asyncio.Event()
        self.ticks = 0

    # ---- life ----------------------------------------------------------------------------------

    async def listen(self, port: int = 0, tls: ssl.SSLContext | None = None) -> dict[str, int]:
        """Listens on 127.0.0.1, the dialect's links on `port` and those that follow (0: any).

        Returns link → port.
        """
        ports = {}
        for at, terms in enumerate(self.profile.dialect.links):
            ports[terms.name] = await self.door.listen(terms, port and port + at, tls)
        self.faults.begin()
        for fault in self._planned:
            self.inject(fault)
        return ports

    async def stop(self, text: str) -> None:
        """Logs every client out and closes; waits for their answers for a moment."""
        for client in list(self.clients):
            client.link.logout(text)
        end = asyncio.get_running_loop().time() + GOODBYE_S
        while self.clients and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(TURN_S)
        self.close()

    def close(self) -> None:
        """Stops listening, cuts every connection and forgets what was to come."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.door.close()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        """Calls back, at once when there is nothing to wait for; never after `close`."""
        if not seconds:
            action()
            return

        def run() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)

    def _next_id(self, kind: str) -> str:
        number = self._counters.get(kind, 1)
        self._counters[kind] = number + 1
        return str(number)

    # ---- prices --------------------------------------------------------------------------------

    def tick(
        self, symbol: str, bid: str, bid_size: str, ask: str, ask_size: str, ts_ns: int
    ) -> None:
        """Takes a new top of book; `symbol` is a name of the venue's list."""
        if symbol not in self.market.books:
            raise LocalError(f"{self.name} lists no {symbol}", "take a name of the profile's list")
        self.ticks += 1
        self.desk.ticked(self.market.tick(symbol, bid, bid_size, ask, ask_size, ts_ns))

    async def run_model(self, seed: int, speed: float = 1.0) -> None:
        """Plays the slow venue of the seeded market model until cancelled."""
        start_ns, began_ns = now().utc_ns, now().monotonic_ns
        model = MarketModel(seed, start_ns)
        while True:
            elapsed_ns = int((now().monotonic_ns - began_ns) * speed)
            for tick in model.advance(start_ns + elapsed_ns):
                name = self.profile.plays.get(tick.symbol)
                if name is not None and tick.venue == SLOW:
                    bid = decimal_text(tick.bid, tick.digits)
                    ask = decimal_text(tick.ask, tick.digits)
                    self.tick(name, bid, tick.size, ask, tick.size, tick.ts_ns)
            await asyncio.sleep(TURN_S)

    async def subscribed(self) -> None:
        """Returns once a client has subscribed."""
        await self._subscribed.wait()

    # ---- clients -------------------------------------------------------------------------------

    @property
    def clients(self) -> list[Client]:
        """Who is logged on, in the order in which they came."""
        return self.door.clients

    def _moved(self, client: Client, state: State) -> None:
        self.door.moved(client, state)
        readers = self.market.readers
        if client not in self.door.clients and client.reader in readers:
            readers.remove(client.reader)
        elif client in self.door.clients and client.reader not in readers:
            readers.append(client.reader)
            self._passing(client, tags.MSG_LOGON)

    def _take(self, client: Client, message: Message, moment: Now) -> None:
        """Answers an application message, if this link is for it."""
        kind = message.type
        if not client.known and kind != tags.MSG_USER_REQUEST:
            client.reject(message, 6, "Log on first")
        elif kind == tags.MSG_MARKET_DATA_REQUEST and "quotes" in client.terms.roles:
            before = len(self.market.subscribes)
            self.market.request(client.reader, message)
            if len(self.market.subscribes) > before:
                self._subscribed.set()
        elif kind in self._answers and self._serves(client, kind):
            ledger = self.ledgers[client.login.account]
            self._answers[kind](client, ledger, message, moment)
        else:
            prefix = "INVALID_REQUEST:" if self.profile.quirks.business_reject else ""
            client.reject(message, UNSUPPORTED, f"{prefix}Unsupported Message Type")

    def _serves(self, client: Client, kind: str) -> bool:
        """Returns whether a link is for a request, and the venue for it at all."""
        dialect = self.profile.dialect
        terms = dialect.orders
        offered = {
            "H": terms.status != "none",
            "AF": terms.mass_status != "none",
            "G": terms.replace != "none",
            "AN": dialect.positions.request != "none",
            "x": dialect.symbols.discovery == "x",
            "g": dialect.symbols.discovery == "g",
            "BB": "BB" in dialect.overlay.messages,
            "BE": dialect.logon.user_request,
        }
        role = "symbols" if kind in ("x", "g") else "orders"
        here = role in client.terms.roles or kind == "BE"
        return here and offered.get(kind, True)

    def _said(self, ledger: Ledger, report: Report) -> None:
        """Says a report to those who hear it; sessions that go on find it later."""
        body = self._orders.report(ledger.account, report)
        clients = self.door.order_sessions(ledger.account)
        for client in clients:
            client.say("8", body)
            if report.kind == "trade" and client.streams_positions:
                self._inquiries.moved_position(client, ledger, report)
        if not clients:
            self.door.keep(ledger.account, "8", body)

    # ---- the venue's people --------------------------------------------------------------------

    def trade_by_hand(
        self, account: str, symbol: str, side: int, size: int, position_id: str = ""
    ) -> VenueOrder:
        """Executes a market order that was entered by hand; size 1e-8, side +1 buys."""
        order = VenueOrder(
            self._next_id("order"),
            "",
            symbol,
            side,
            "market",
            self.profile.dialect.orders.types["market"][0],
            size,
            position_id=position_id,
        )
        if self.market.books[symbol].top.price(side) == ABSENT:
            raise LocalError(f"{symbol} has no price", "tick first")
        self.desk.by_hand(self.ledgers[account], order)
        return order

    # ---- faults --------------------------------------------------------------------------------

    def inject(self, fault: Fault) -> None:
        """Arms a fault; one of the venue takes place at once when nothing else is said."""
        if fault.do not in VENUE or fault.on:
            self.faults.arm(fault)
            return

        def strike() -> None:
            self.faults.note(fault.do)
            self._strike(fault, self._touched(fault))
            if fault.every_s:
                self._later(fault.every_s, strike)

        self._later(fault.at_s, strike)

    def _touched(self, fault: Fault) -> list[Client]:
        return [one for one in self.clients if fault.link in ("", one.terms.name)]

    def _passing(self, client: Client, kind: str) -> None:
        for fault in self.faults.hit(VENUE, client.terms.name, kind):
            self._strike(fault, [client])

    def _strike(self, fault: Fault, clients: list[Client]) -> None:
        """Does a fault of the venue to these clients."""
        if fault.do in ("block", "unblock"):
            for login in self.profile.logins:
                login.state = "blocked" if fault.do == "block" else "open"
            text = fault.text or self.profile.quirks.blocked
        else:
            text = fault.text
        for client in clients:
            match fault.do:
                case "logout" | "block":
                    client.link.logout(text)
                case "cut":
                    client.link.cut()
                case "deaf":
                    self._deafen(client, fault.for_s)
                case "sequence":
                    self._surprise(client, fault.numbers)
                case "throttle":
                    self.door.breach(client)
                case "garbage":
                    assert client.link.wire is not None
                    client.link.wire.put_raw(GARBAGE)

    def _deafen(self, client: Client, seconds: float) -> None:
        wire = client.link.wire
        assert wire is not None
        wire.deaf = True
        if seconds:
            self._later(seconds, wire.hear_again)

    def _surprise(self, client: Client, numbers: int) -> None:
        """Skips numbers, or says a Heartbeat whose number was used before."""
        store, wire = client.session.store, client.link.wire
        assert isinstance(store, MemoryStore) and wire is not None
        if numbers >= 0:
            for _ in range(numbers):
                store.append(None)
            return
        config = client.session.config
        ids = ((tags.SENDER_COMP_ID, config.sender), (tags.TARGET_COMP_ID, config.target))
        header = Header(config.begin_string, (*ids, *config.header), config.timestamp_digits)
        seq = max(store.next_out + numbers, 1)
        wire.put_raw(header.encode(tags.MSG_HEARTBEAT, seq, now().utc_ns))
