"""The whole engine in virtual time with faults and crashes, drawn from one seed; run by `thft sim`.

Real kernel, real journal, real recovery; the disk, the market and the broker are simulated. Every
step may lose quotes, reports, the link, the process or the power. Invariants hold at every step
and, once all has come to rest, the broker's truth is the engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from thft.base.prng import Prng
from thft.kernel import snapshot
from thft.kernel.commands import parameter_schema
from thft.kernel.engine import Kernel
from thft.kernel.replay import Replay
from thft.kernel.strategy import Strategy
from thft.model import event as ev
from thft.model.codec import decode
from thft.model.fixed import ABSENT, SIZE_ONE, parse_price, parse_size
from thft.model.order import PENDING_REPLACE, SUBMITTED, UNKNOWN, Order
from thft.sim.market_model import FAST, SYMBOLS, MarketModel, Tick
from thft.sim.memory_disk import FragileDisk
from thft.sim.random_trader import RandomTrader
from thft.sim.virtual_broker import ACCOUNT, MS_NS, VenueOrder, Violation, VirtualBroker
from thft.strategies import BUILTIN
from thft.stream.journal import Journal
from thft.stream.reader import batches, spans

START_NS = 1_700_000_000_000_000_000
FEEDS = {FAST: 1, "slow": 2}
REST_EVERY = 2_500
SEGMENT_BYTES, BLOCK_BYTES = 512 << 10, 64 << 10
Catalogue = dict[str, tuple[type[Strategy], str]]


@dataclass
class Tally:
    """What happened in a run."""

    steps: int = 0
    kills: int = 0
    power_cuts: int = 0
    rests: int = 0
    events: int = 0
    orders: int = 0
    fills: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    state_hash: str = ""


class EngineSim:
    """One seeded run; `run` returns its tally or raises Violation."""

    def __init__(self, seed: int) -> None:
        self.prng = Prng(seed)
        self.now_ns = START_NS
        self.tally = Tally()
        self.market = MarketModel(seed, START_NS, SYMBOLS[:1])
        self.hedged = Prng(seed + 2).between(0, 2) == 0
        """Both accounts keep positions apart."""
        self.broker = VirtualBroker(Prng(seed + 1), self._broker_price, hedged=self.hedged)
        strategies: tuple[type[Strategy], ...] = (*BUILTIN, RandomTrader)
        self.catalogue: Catalogue = {cls.kind: (cls, cls.kind) for cls in strategies}
        self.seed = seed
        self.durable_orders = bool(self.prng.between(0, 1))
        """Power is cut only in runs whose orders wait for the disk; kills come in all."""
        self.disk = FragileDisk()
        self.kernel = Kernel(self.catalogue, seed, 4_096)
        self.saved: tuple[int, dict[str, bytes]] | None = None
        self._fill_sums: dict[tuple[str, str], int] = {}
        self._exec_ids: set[str] = set()
        self._added_up_to = 0
        self._begin(self._new_journal())
        self._define()

    # ---- starting ------------------------------------------------------------------------------

    def _new_journal(self) -> Journal:
        return Journal(
            self.disk,
            instance="sim",
            created_ns=self.now_ns,
            segment_bytes=SEGMENT_BYTES,
            block_bytes=BLOCK_BYTES,
            threads=False,
        )

    def _begin(self, journal: Journal) -> None:
        """Starts a run of the engine on a journal."""
        self.journal = journal
        recovered = journal.recovered
        self.kernel.attach(journal.buffer, journal.buffer)
        self._process(
            ev.CoreStarted(
                "sim",
                journal.epoch,
                "paper",
                "0",
                "",
                self.seed,
                recovered.last_seq,
                recovered.cut_bytes,
                recovered.cut_reason,
            )
        )
        for feed in self.kernel.state.feeds:
            self._process(ev.FeedState(feed, "READY", "simulated"))
        journal.flush()
        journal.sync_now()

    def _define(self) -> None:
        symbol = SYMBOLS[0]
        pip, point = parse_price("0.0001"), parse_price("0.00001")
        size = parse_size("1000")
        self._process(
            ev.InstrumentDefined(1, symbol.symbol, symbol.digits, pip, point, size, size, "USD")
        )
        for name, feed in FEEDS.items():
            self._process(ev.FeedDefined(feed, name, "sim", name, ((1, symbol.symbol),)))
            self._process(ev.FeedState(feed, "READY", "simulated"))
        for account, kind in (("paper", "paper"), (ACCOUNT, "venue")):
            latencies = (2 * MS_NS, 30 * MS_NS, 500 * MS_NS)
            model = "hedging" if self.hedged else "netting"
            self._process(
                ev.AccountDefined(account, kind, model, "USD", FEEDS["slow"], 0, *latencies)
            )
        limit = 200_000 * SIZE_ONE
        self._process(ev.RiskLimitsSet(limit, limit, 50, 40))
        self._load("noise", "random_trader", account=ACCOUNT, symbol="EURUSD", feed="slow", seed=3)
        self._load("paper", "random_trader", account="paper", symbol="EURUSD", feed="slow", seed=4)
        self._load(
            "arb",
            "latency_arbitrage",
            symbol="EURUSD",
            fast_feed=FAST,
            slow_feed="slow",
            account=ACCOUNT,
            size="10000",
            offset_mode="off",
            diff_to_open_points=4,
            trade_pause_ms=0,
            max_errors=0,
        )
        self._end_turn()
        self.journal.sync_now()  # the real core would define what a power cut took
        self.broker.connect(self.now_ns)

    def _load(self, name: str, kind: str, **params: str | int) -> None:
        cls, code_hash = self.catalogue[kind]
        schema = msgspec.json.encode(parameter_schema(cls))
        encoded = msgspec.json.encode(msgspec.convert(params, cls.Params))
        self._process(ev.StrategyLoaded(name, kind, code_hash, encoded, schema, True))

    # ---- running -------------------------------------------------------------------------------

    def run(self, steps: int) -> Tally:
        """Runs `steps` steps and brings everything to rest; raises Violation, whatever failed."""
        for step in range(1, steps + 1):
            self.tally.steps = step
            try:
                self._step()
                if step % REST_EVERY == 0 or step == steps:
                    self._rest()
            except Violation as violation:
                raise Violation(f"step {step}: {violation}") from violation
            except Exception as failure:
                text = f"step {step}: {type(failure).__name__}: {failure}"
                raise Violation(text) from failure
        tally = self.tally
        tally.events = self.kernel.lane.seq
        tally.orders = self.kernel.state.counters.orders
        tally.fills = self.kernel.state.counters.fills
        tally.faults = {**tally.faults, **self.broker.faults}
        tally.state_hash = self.kernel.state_hash().hex()
        return tally

    def _step(self) -> None:
        """Lets virtual time pass, with what happens in it, then ends the turn, or the process."""
        draw = self.prng.between(0, 9_999)
        if draw < 12:
            self._crash()
            return
        if draw < (40 if self.broker.up else 800):
            self._toggle_link()
        elif draw < 840:
            self.journal.sync_now()
        elif draw < 870:
            self._command()
        elif draw < 910:
            self._feed_trouble()
        elif draw < 1_200 and self.kernel.state.kill.on:
            self._kill_switch()
        self._pass_time(self.prng.between(1, 25) * MS_NS)
        self._end_turn()

    def _pass_time(self, ns: int) -> None:
        """Feeds everything due within the next `ns`, in order of time."""
        until = self.now_ns + ns
        while True:
            due = [self.market.next_ns, self.kernel.lane.next_due_ns]
            if self.broker.next_ns is not None:
                due.append(self.broker.next_ns)
            next_ns = min(due)
            if next_ns > until:
                break
            self.now_ns = max(self.now_ns, next_ns)
            for tick in self.market.advance(self.now_ns):
                self._quote(tick)
            self.kernel.fire_due(self.now_ns)
            self.broker.turn(self.now_ns, self._process)
        self.now_ns = until

    def _quote(self, tick: Tick) -> None:
        """Feeds one quote, unless it is lost, comes twice or is crossed."""
        fault = 99 if self.broker.calm else self.prng.between(0, 99)
        if fault < 3:
            self._count("quote lost")
            return
        scale = 10 ** (9 - tick.digits)
        bid, ask = tick.bid * scale, tick.ask * scale
        if fault < 5:
            self._count("quote crossed")
            bid, ask = ask, bid
        size = parse_size(tick.size)
        for _ in range(2 if fault < 8 else 1):
            self.kernel.quote(FEEDS[tick.venue], 1, bid, size, ask, size, ABSENT, 0, self.now_ns)

    def _process(self, event: ev.Event) -> None:
        self.kernel.process(event, self.now_ns)

    def _count(self, fault: str) -> None:
        self.tally.faults[fault] = self.tally.faults.get(fault, 0) + 1

    def _end_turn(self) -> None:
        """Writes the turn, then lets its effects leave."""
        self.journal.flush()
        if self.durable_orders and self.kernel.effects:
            self.journal.sync_now()
        for kind, order in self.kernel.take_effects():
            self.broker.take(kind, order, self.now_ns)
        self._check_positions()

    def _broker_price(self, instrument: int, side: int) -> int:
        book = self.kernel.state.book(FEEDS["slow"], instrument)
        return book.ask if side > 0 else book.bid

    # ---- trouble -------------------------------------------------------------------------------

    def _toggle_link(self) -> None:
        if self.broker.up:
            self._count("link cut")
            self.broker.cut()
            self._process(ev.AccountState(ACCOUNT, "OFFLINE", "link cut", self.broker.session))
        else:
            self.broker.connect(self.now_ns)

    def _feed_trouble(self) -> None:
        self._count("feed trouble")
        feed = self.prng.between(1, 2)
        self._process(ev.FeedState(feed, "OFFLINE", "simulated"))
        self._process(ev.FeedState(feed, "READY", "simulated"))

    def _command(self) -> None:
        draw = self.prng.between(0, 2)
        if draw == 0:
            self._kill_switch()
        elif draw == 1:
            enabled = not self.kernel.slots["arb"].enabled
            self._send_command("strategy_enable", {"strategy": "arb", "enabled": enabled})
        else:
            take_profit = {"tp_points": self.prng.between(100, 300)}
            self._send_command("strategy_params", {"strategy": "arb", "params": take_profit})

    def _kill_switch(self) -> None:
        on = not self.kernel.state.kill.on
        self._send_command("kill_switch", {"on": on, "reason": "simulated"})

    def _send_command(self, kind: str, body: dict[str, object]) -> None:
        number = self.kernel.state.api_seq + 1
        encoded = msgspec.json.encode(body)
        self._process(ev.CommandReceived(number, f"c{number}", kind, encoded, "sim"))

    def _crash(self) -> None:
        """Ends the process somewhere in a turn, or the power, and starts it again."""
        known_seq, known_hash = self.kernel.lane.seq, self.kernel.state_hash()
        written = self.journal.written_seq
        point = self.prng.between(0, 2)
        if point:
            self._pass_time(self.prng.between(1, 25) * MS_NS)
        if point == 2:
            self.journal.flush()
            known_seq, known_hash = self.kernel.lane.seq, self.kernel.state_hash()
            written = self.journal.written_seq
            for kind, order in self.kernel.take_effects()[: self.prng.between(0, 2)]:
                if not self.durable_orders:
                    self.broker.take(kind, order, self.now_ns)
        least = written
        if self.durable_orders and self.prng.between(0, 1):
            self.tally.power_cuts += 1
            least = self.journal.durable_seq
            self.disk = self.disk.cut_power(self.prng)
        else:
            self.tally.kills += 1
            self.disk = self.disk.killed()
        self.broker.cut()
        self.now_ns += self.prng.between(10, 3_000) * MS_NS
        self._recover(least, known_seq, known_hash)
        self.broker.connect(self.now_ns)

    def _recover(self, least: int, known_seq: int, known_hash: bytes) -> None:
        """Starts on what the disk holds: newest snapshot, replay, a new epoch."""
        kernel = Kernel(self.catalogue, self.seed, 4_096)
        if self.saved is not None:
            snapshot.restore(kernel, self.saved[1])
        journal = self._new_journal()
        last = journal.recovered.last_seq
        if last < least:
            raise Violation(f"recovered {last}, acknowledged {least}")
        replay = Replay(kernel, kernel.lane.seq + 1)
        for span in spans(self.disk, kernel.lane.seq):
            replay.feed(*span)
        if kernel.lane.seq != last:
            raise Violation(f"replay ended at {kernel.lane.seq}, the log at {last}")
        if last == known_seq and kernel.state_hash() != known_hash:
            raise Violation(f"replayed state differs from the live one at seq {last}")
        self.kernel = kernel
        self._begin(journal)

    # ---- truth ---------------------------------------------------------------------------------

    def _check_positions(self) -> None:
        """Every order is within its size, and the broker's within what we count on; each turn."""
        for order in self.kernel.state.orders.values():
            if not 0 <= order.cum_size <= order.size:
                raise Violation(f"{order.client_order_id} executed {order.cum_size}")
            known = self.broker.orders.get(order.client_order_id)
            if known is not None and known.leaves > order.exposure:
                said = f"broker may execute {known.leaves}, engine counts on {order.exposure}"
                raise Violation(f"{order.client_order_id}: {said}")

    def _rest(self) -> None:
        """Lets everything come to rest in calm weather, then compares both truths."""
        self.tally.rests += 1
        self.broker.calm = True
        if self.broker.up:
            self._toggle_link()
        self._toggle_link()
        for _ in range(400):
            self._pass_time(25 * MS_NS)
            self._end_turn()
            differences = self._differences()
            if not differences:
                break
        else:
            raise Violation("after coming to rest: " + "; ".join(differences[:3]))
        self.journal.sync_now()
        while self.journal.seal_one():
            continue
        self._compare_with_journal()
        self.saved = (self.kernel.lane.seq, snapshot.sections(self.kernel))
        self.broker.calm = False

    def _differences(self) -> list[str]:
        """Names what the engine and the broker do not agree on; empty once all is at rest."""
        state = self.kernel.state
        account = state.accounts[ACCOUNT]
        found = []
        if account.state != "READY":
            found.append(f"account {account.state}: {account.reason}")
        for order in list(state.orders.values()):
            if order.account == ACCOUNT and order.state in (SUBMITTED, UNKNOWN, PENDING_REPLACE):
                found.append(f"{order.client_order_id} is {order.state}")
        for known in self.broker.orders.values():
            order_here = state.order(known.client_order_id)
            if order_here is not None:
                found += _order_differences(order_here, known)
        held = {one.position_id: one.size for one in state.legs(ACCOUNT)}
        if held != self.broker.held:
            found.append(f"positions {held}, broker {self.broker.held}")
        return found

    def _compare_with_journal(self) -> None:
        """Adds up the fills journaled since the last rest: they are the positions, each once."""
        sums, seen = self._fill_sums, self._exec_ids
        for frames in batches(self.disk, self._added_up_to):
            for frame in frames:
                if frame.type != ev.Fill.TYPE:
                    continue
                fill = decode(frame.type, frame.version, frame.payload)
                assert isinstance(fill, ev.Fill)
                if fill.exec_id in seen:
                    raise Violation(f"execution {fill.exec_id} was booked twice")
                seen.add(fill.exec_id)
                key = fill.account, fill.position_id
                sums[key] = sums.get(key, 0) + fill.side * fill.size
        self._added_up_to = self.kernel.lane.seq
        for (account, position_id), size in sums.items():
            position = self.kernel.state.positions.get((account, 1, position_id))
            held = position.size if position is not None else 0
            if held != size:
                raise Violation(f"{account} {position_id}: position {held}, fills sum to {size}")


def _order_differences(order: Order, known: VenueOrder) -> list[str]:
    """Names what the broker knows otherwise of an order: executed, alive, size, price."""
    lives = known.state == "new"
    here: tuple[int, ...] = (order.cum_size, order.working)
    there: tuple[int, ...] = (known.filled, lives)
    if lives:
        here, there = (*here, order.size, order.price), (*there, known.size, known.price)
    return [f"{order.client_order_id}: broker {there}, engine {here}"] if here != there else []


def simulate(seed: int, steps: int, watch: Callable[[EngineSim], None] | None = None) -> Tally:
    """Runs one seed; `watch` may look at the finished run. Raises Violation."""
    run = EngineSim(seed)
    tally = run.run(steps)
    if watch is not None:
        watch(run)
    return tally
