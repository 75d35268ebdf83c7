"""Makes the gateways that a configuration wants; called by the runner when the core starts."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

from thft.base.backoff import Backoff, ConnectBudget
from thft.base.prng import Prng
from thft.core.config import Config, VenueConfig
from thft.fix.session import MemoryStore, Store
from thft.gateway.calendar import Calendar
from thft.gateway.dialects import load
from thft.gateway.fix.client import FixClient, Wanted
from thft.gateway.fix.settings import FixSettings
from thft.gateway.gate import Gate
from thft.gateway.limiter import Throttle, Window
from thft.gateway.metatrader.account import MetaTraderAccount
from thft.gateway.metatrader.account import Wanted as WantedAccount
from thft.gateway.metatrader.bridge import Bridge
from thft.gateway.metatrader.clock import ServerClock
from thft.gateway.metatrader.history.door import Door, Host
from thft.gateway.metatrader.settings import DIALECTS, MetaTraderSettings
from thft.gateway.port import EngineInbox, Trading
from thft.gateway.supervisor import loop_ns
from thft.gateway.ws import venues as websockets
from thft.gateway.ws.dialect import Wanted as WantedFeed
from thft.gateway.ws.feed import Liveness, WebSocketFeed
from thft.host.clock import EngineClock, moment
from thft.model.fixed import parse_size
from thft.state.fold import State
from thft.store.fix_log import FixLog


class _Broker(NamedTuple):
    """What all connections to a WebSocket venue share."""

    gate: Gate
    budget: ConnectBudget
    shared: list[Window]
    gets: Window | None


class Gateway(Protocol):
    """What the runner keeps running."""

    async def run(self) -> None: ...
    def stop(self) -> None: ...


class FixStores:
    """Numbers and messages of all FIX sessions, in the engine's own directory."""

    def __init__(self, config: Config, directory: Path) -> None:
        """Opens them; raises LocalError when one cannot be, and leaves none open then."""
        self._stores: dict[tuple[str, str], FixLog] = {}
        try:
            for venue in config.venues:
                if venue.fix is not None:
                    self._open(venue, directory / "fix")
        except BaseException:
            self.close()
            raise

    def _open(self, venue: VenueConfig, folder: Path) -> None:
        dialect = load(venue.dialect)
        for link in dialect.links:
            # quotes alone whose numbers start over at every logon leave nothing that is needed
            if "orders" in link.roles or dialect.reset == "continue":
                path = folder / f"{venue.name}.{link.name}"
                self._stores[venue.name, link.name] = FixLog.open(path, EngineClock().now_ns())

    def of(self, venue: str, link: str) -> Store:
        """Returns the store of a session."""
        return self._stores.get((venue, link)) or MemoryStore()

    def close(self) -> None:
        """Ends them; their sessions are over."""
        for store in self._stores.values():
            store.close()


def _contracts(
    venue: VenueConfig, settings: FixSettings, symbols: dict[str, int]
) -> dict[int, int]:
    """Returns instrument → units in a contract, 1e-8, as far as they are said."""
    return {
        symbols[venue.symbols[name]]: parse_size(text)
        for name, text in settings.contract_sizes.items()
        if venue.symbols.get(name) in symbols
    }


class Gateways:
    """All gateways of one core."""

    def __init__(
        self,
        inbox: EngineInbox,
        config: Config,
        state: State,
        stores: FixStores,
        directory: Path,
    ) -> None:
        """`directory` is the engine's own."""
        self._inbox = inbox
        self._config = config
        self._state = state
        self._stores = stores
        self._prng = Prng(secrets.randbits(64))  # jitter of reconnects is no decision of the kernel
        self._brokers: dict[str, _Broker] = {}
        """What all feeds of one WebSocket venue share."""
        self._servers: dict[str, tuple[Gate, ServerClock]] = {}
        """What all MetaTrader accounts of one server share."""
        self._strangers = 0
        self.all: list[Gateway] = []
        self.trading: dict[str, Trading] = {}
        """Account → where its effects go."""
        terminals: list[MetaTraderAccount] = []
        asked: dict[str, Host] = {}
        for venue in config.venues:
            if venue.fix is not None:
                self.all.append(self._fix(venue, venue.fix))
            elif venue.metatrader is not None:
                terminal, account = self._terminal(venue, venue.metatrader)
                terminals.append(terminal)
                if account:
                    self.trading[account] = terminal
                    asked[account] = Host(terminal, venue.symbols)
            else:
                self.all.append(self._websocket(venue))
        if terminals:
            self.all.append(Bridge(config.metatrader, terminals, self._stranger))
        if asked:
            self.all.append(Door(directory, asked))

    def _feed(self, name: str) -> tuple[int, dict[str, int]]:
        """Returns a feed's number and, by the venue's symbol, its instruments."""
        for feed, record in self._state.feeds.items():
            if record.definition.name == name:
                return feed, {symbol: one for one, symbol in record.definition.symbols}
        raise KeyError(name)

    def _attempts(self, feed: int) -> list[tuple[str, int]]:
        """Returns the attempts to connect that the journal knows: link, and how long ago in ns."""
        now_ns = self._inbox.now_ns()
        return [(link, now_ns - at_ns) for link, at_ns in self._state.feeds[feed].attempts]

    def _ids(self, feed: int) -> dict[int, str]:
        """Returns instrument → the venue's id of it, as far as the journal knows any."""
        return {
            instrument: record.holds.venue_id
            for (owner, instrument), record in self._state.symbols.items()
            if owner == feed and record.holds.venue_id
        }

    def _websocket(self, config: VenueConfig) -> WebSocketFeed:
        if config.websocket is not None and config.url is not None:
            broker, venue = config.url, websockets.generic_venue(config.url, config.websocket)
        else:
            broker, venue = config.dialect, websockets.VENUES[config.dialect]
        if broker not in self._brokers:
            gate = Gate(websockets.broker_throttle(), loop_ns)
            limits = venue.budget(), venue.shared(), venue.get_window()
            self._brokers[broker] = _Broker(gate, *limits)
        gate, budget, shared, gets = self._brokers[broker]
        feed, symbols = self._feed(config.name)
        for _, age_ns in self._attempts(feed):
            budget.attempt(moment()[0] - age_ns)
        book = config.book or venue.books[0]
        wanted = WantedFeed(feed, symbols, book, config.trades)
        return WebSocketFeed(
            self._inbox,
            feed,
            config.url or venue.url,
            partial(venue.dialect, self._inbox, wanted),
            backoff=Backoff(self._prng),
            budgets=[budget],
            gate=gate,
            windows=lambda: [*shared, *venue.windows()],
            rest_url=config.rest_url or venue.rest_url,
            gets=gets,
            liveness=Liveness(quiet_s=config.stale_s, max_frame_bytes=venue.frame_bytes),
            calendar=Calendar(config.closed),
        )

    def _stranger(self, said: str) -> None:
        """Counts connections to the bridge that proved nothing."""
        self._strangers += 1
        self._inbox.metric("metatrader", "bridge", (("strangers", self._strangers),))

    def _account_of(self, feed: int) -> str:
        """Returns the account that is traded through a feed's venue, or empty."""
        for name, record in self._state.accounts.items():
            if record.definition.feed == feed and record.definition.kind == "venue":
                return name
        return ""

    def _terminal(
        self, venue: VenueConfig, settings: MetaTraderSettings
    ) -> tuple[MetaTraderAccount, str]:
        """Returns a terminal, and the account that is traded there or empty."""
        feed, symbols = self._feed(venue.name)
        account = self._account_of(feed)
        logons = self._state.accounts[account].session if account else 0
        if settings.server not in self._servers:
            limits = Throttle(settings.executions_per_s, settings.data_per_s, {})
            self._servers[settings.server] = Gate(limits), ServerClock()
        gate, clock = self._servers[settings.server]
        hedged = self._state.hedged(account)
        books = {one: self._state.book(feed, one) for one in symbols.values()}
        ends = {one: (book.venue_seq, book.trade_id) for one, book in books.items()}
        calendar = Calendar(venue.closed)
        wanted = WantedAccount(feed, symbols, account, logons, hedged, ends, venue.trades, calendar)
        platform = DIALECTS[venue.dialect]
        return MetaTraderAccount(self._inbox, platform, settings, wanted, gate, clock), account

    def _fix(self, venue: VenueConfig, settings: FixSettings) -> FixClient:
        feed, symbols = self._feed(venue.name)
        account = self._account_of(feed)
        logons = self._state.accounts[account].session if account else 0
        dialect = load(venue.dialect)
        client = FixClient(
            self._inbox,
            dialect,
            settings,
            Wanted(
                feed,
                symbols,
                account,
                logons,
                _contracts(venue, settings, symbols),
                self._attempts(feed),
                self._state.hedged(account),
                venue.resolve,
                self._ids(feed),
            ),
            partial(self._stores.of, venue.name),
            self._prng,
            calendar=Calendar((*(dialect.closed if settings.calendar else ()), *venue.closed)),
        )
        if account:
            self.trading[account] = client
        return client

    def stop(self) -> None:
        """Tells all to log out and end."""
        for one in self.all:
            one.stop()
