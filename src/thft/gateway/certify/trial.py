"""What all steps of a certification share: lines, names, what was learned; made by `run`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from thft.base.errors import LocalError
from thft.base.prng import Prng
from thft.fix.session import Store
from thft.fix.wire import Message
from thft.gateway.calendar import Calendar
from thft.gateway.certify.line import Line, Refused
from thft.gateway.certify.report import Failed, NotTested, write
from thft.gateway.dialect import Dialect, Role
from thft.gateway.fix.causes import Timing
from thft.gateway.fix.client import addressed, connect_budgets, limits
from thft.gateway.fix.reports import OrderWords
from thft.gateway.fix.settings import FixSettings
from thft.gateway.fix.symbols import SymbolMap
from thft.gateway.gate import Gate
from thft.gateway.limiter import Lane
from thft.model.fixed import ABSENT, SIZE_ONE

Found = TypeVar("Found")
UNSUPPORTED, MISSING = "3", "5"
"""BusinessRejectReasons(380): the venue does not know such a message; a field is missing."""


class CannotBegin(LocalError):
    """There is nothing to certify against."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a certification may do."""

    size: int = 0
    """OrderQty of its orders, 1e-8, as the venue counts; 0: it sends none."""
    simulated: bool = False
    """The counterpart is a simulator, which may be provoked."""
    patience_s: float = 10.0
    """How long an answer is waited for."""
    quiet_s: float = 1.0
    """How long nothing must come to be called silence."""
    first_wait_ms: int = 1_000
    """The wait before a second connection."""


class Trial:
    """See the module. Instrument 1 is the one that is ordered."""

    def __init__(
        self,
        dialect: Dialect,
        settings: FixSettings,
        names: dict[str, int],
        stores: Callable[[str], Store],
        prng: Prng,
        means: Means,
    ) -> None:
        """`names` maps the venue's names to instruments; `stores` opens a link's store."""
        self.dialect = dialect
        self.settings = settings
        self.means = means
        as_counted = dict.fromkeys(names.values(), SIZE_ONE)
        self.symbols = SymbolMap(dialect, names, as_counted)
        self.words = OrderWords(dialect, settings, self.symbols)
        self.news = asyncio.Event()
        self.gate = Gate(limits(dialect, settings))
        self.learned: dict[str, str] = {}
        """Key → what was seen, for keys whose answer is `?` in the record."""
        self.best = (ABSENT, ABSENT)
        """Bid and offer of instrument 1, 1e-9."""
        self.flat: bool | None = None
        """The account has no orders and no positions; None while that is not known."""
        self.point = 0
        """What all prices seen are multiples of, 1e-9."""
        budgets = connect_budgets(dialect)
        timing = Timing(first_ms=means.first_wait_ms)
        calendar = Calendar(dialect.closed if settings.calendar else ())
        self.lines = []
        for at, link in enumerate(dialect.links):
            if {"quotes", "orders", "symbols"} & {*link.roles}:
                own = addressed(dialect, settings, at, prng)
                terms = (dialect, link, own, self.gate, budgets(link.name), prng, timing, calendar)
                self.lines.append(Line(self.news, stores(link.name), *terms))

    async def on(self, role: Role) -> Line:
        """Returns the line with a role once it is logged on; raises NotTested."""
        for line in self.lines:
            if role in line.roles:
                await self.until(line.on_or_over)
                if not line.logged_on:
                    raise NotTested(f"link {line.name} is not logged on")
                return line
        raise NotTested(f"no link of the record has the role {role}")

    async def until(
        self, holds: Callable[[], Found | None], seconds: float | None = None
    ) -> Found | None:
        """Returns what `holds` does once that is true, or at the end of the patience."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + (self.means.patience_s if seconds is None else seconds)
        while not (found := holds()) and (left_s := deadline_s - loop.time()) > 0:
            self.news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), left_s)
        return found

    async def settled(self, line: Line) -> bool:
        """Returns whether a TestRequest came back: what was said before it has been taken."""
        since = line.mark
        line.probe()
        await self.until(lambda: line.round_trips_ns(since) or not line.logged_on)
        return bool(line.round_trips_ns(since))

    def ask(self, line: Line, kind: str, body: bytes, ref: str) -> int:
        """Asks a question; returns the mark before it."""
        since = line.mark
        line.say(Lane.QUERY, kind, body, ref)
        return since

    def silence(self, line: Line) -> str:
        """Returns how an answer that did not come is told."""
        if line.logged_on:
            return f"no answer within {self.means.patience_s:g} s"
        return f"the session ended: {line.ear.words[1]}"

    def refusal(
        self, line: Line, since: int, kind: str, ref: str, named: str = ""
    ) -> Refused | None:
        """Returns how a message was refused, if it was.

        `ref` is our name of the message, `named` the id in it that a refusal may name.
        """
        for reject in line.rejects:
            if reject.ref == ref:
                return reject
        for message in line.messages(since):
            if message.type == "j" and _means(message, kind, named):
                reason, text = message.text(380), message.text(58) or "no reason given"
                return Refused(reason == UNSUPPORTED, text, reason == MISSING)
        return None

    def learn(self, key: str, recorded: str, seen: str) -> None:
        """Takes what was seen of a key: the answer to `?`, or what the record must say.

        Raises Failed when the record says otherwise.
        """
        if recorded == "?":
            self.learned[key] = seen
        elif recorded != seen:
            raise Failed(f"the record says {recorded}, seen: {seen}", key, write(key, seen))

    def must_know_symbols(self) -> None:
        """Raises NotTested without the id of instrument 1."""
        if 1 not in self.symbols.ids:
            raise NotTested("the venue's id of the instrument is not known: see symbols")

    def must_trade(self) -> None:
        """Raises NotTested when no order may be sent, or none can be priced."""
        self.must_know_symbols()
        if not self.means.size:
            raise NotTested("it trades: say --orders SYMBOL --size N")
        if self.flat is False:
            raise NotTested("the account has orders or positions: take one that is empty")
        if self.flat is None and not self.means.simulated:
            raise NotTested("whether the account is flat is not known: see no positions")
        if ABSENT in self.best:
            raise NotTested("there are no prices: see best prices")


def _means(reject: Message, kind: str, named: str) -> bool:
    """Returns whether a BusinessMessageReject is about a message of ours, by all it says."""
    said, of = reject.text(379), reject.text(372)
    return said == named if said is not None else of in (None, kind)
