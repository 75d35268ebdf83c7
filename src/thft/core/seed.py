"""Turns the configuration into the events that define an engine; called by the runner at starts.

The file seeds an empty journal. On later starts only what is missing is added and strategies whose
code changed are loaded anew; other differences are the journal's to keep.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from thft.core.catalogue import Catalogue
from thft.core.config import AccountConfig, Config, StrategyConfig, VenueConfig
from thft.kernel.commands import parameter_schema
from thft.kernel.engine import Kernel
from thft.model import event as ev
from thft.model.fixed import MONEY_DIGITS, PRICE_ONE, parse_price, parse_scaled, parse_size
from thft.state.fold import State

MS_NS = 1_000_000


def seed_events(config: Config, kernel: Kernel, catalogue: Catalogue) -> Iterator[ev.Event]:
    """Yields the definitions the journal lacks, in the order they build on each other."""
    state = kernel.state
    instruments = {one.symbol: one.instrument for one in state.instruments.values()}
    for item in config.instruments:
        if item.symbol in instruments:
            continue
        number = instruments[item.symbol] = len(instruments) + 1
        yield ev.InstrumentDefined(
            number,
            item.symbol,
            item.digits,
            parse_price(item.pip, "pip"),
            PRICE_ONE // 10**item.digits,
            parse_size(item.min_size, "min_size"),
            parse_size(item.step_size, "step_size"),
            item.currency,
        )
    feeds = {record.definition.name: feed for feed, record in state.feeds.items()}
    for venue in config.venues:
        if venue.name not in feeds:
            number = feeds[venue.name] = len(feeds) + 1
            symbols = tuple((instruments[name], raw) for name, raw in venue.symbols.items())
            dialect = Path(venue.dialect).stem
            yield ev.FeedDefined(number, venue.name, dialect, venue.role, symbols)
        yield from _specified(venue, feeds[venue.name], instruments, state)
    for account in config.accounts:
        if account.name not in state.accounts:
            yield _account(account, feeds[account.feed])
    limits = _limits(config)
    if limits != state.risk:
        yield limits
    for strategy in config.strategies:
        loaded = _strategy(strategy, kernel, catalogue)
        if loaded is not None:
            yield loaded


def _specified(
    venue: VenueConfig, feed: int, instruments: dict[str, int], state: State
) -> Iterator[ev.SymbolSpecified]:
    """Yields what is said of a venue's symbols and was not said, or said otherwise, before."""
    for symbol, config in venue.terms.items():
        number, raw = instruments[symbol], venue.symbols[symbol]
        said = ev.SymbolSpecified(feed, number, raw, "", "map", "the configuration")
        said = said.with_terms(config.terms())
        known = state.symbols.get((feed, number))
        last = known.offered or known.holds if known is not None else None
        if said.terms and (last is None or last.merged(said) != last):
            yield said


def _account(account: AccountConfig, feed: int) -> ev.AccountDefined:
    low, high = account.latency_ms
    return ev.AccountDefined(
        account.name,
        account.kind,
        account.model,
        account.currency,
        feed,
        parse_scaled(account.commission_per_million, MONEY_DIGITS, "commission_per_million"),
        low * MS_NS,
        high * MS_NS,
        account.ack_timeout_ms * MS_NS,
    )


def _limits(config: Config) -> ev.RiskLimitsSet:
    risk = config.risk
    return ev.RiskLimitsSet(
        parse_size(risk.max_order_size, "max_order_size"),
        parse_size(risk.max_position, "max_position"),
        risk.max_orders_per_s,
        risk.max_open_orders,
    )


def _strategy(
    strategy: StrategyConfig, kernel: Kernel, catalogue: Catalogue
) -> ev.StrategyLoaded | None:
    """Returns the load event of a new strategy or one whose code changed, else None."""
    cls, code_hash = catalogue[strategy.kind]
    record = kernel.state.strategies.get(strategy.name)
    if record is not None:
        if strategy.name in kernel.slots and record.code_hash == code_hash:
            return None
        schema = msgspec.json.encode(parameter_schema(cls))
        unproven = record.code_hash == code_hash  # replay of the very same code differed
        return ev.StrategyLoaded(
            strategy.name,
            strategy.kind,
            code_hash,
            record.params,
            schema,
            record.enabled and not unproven,
        )
    params = msgspec.json.encode(msgspec.convert(strategy.params, cls.Params))
    schema = msgspec.json.encode(parameter_schema(cls))
    return ev.StrategyLoaded(
        strategy.name, strategy.kind, code_hash, params, schema, strategy.enabled
    )
