"""Steps about instruments and prices: the list, W and X, the end of a subscription; by `run`."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

from msgspec import structs

from thft.fix import tags
from thft.fix.wire import Fields, Message
from thft.gateway.certify.line import Line
from thft.gateway.certify.listener import Listener
from thft.gateway.certify.report import Failed, NotTested, write
from thft.gateway.certify.trial import Trial
from thft.gateway.fix.quotes import QuoteDesk
from thft.gateway.fix_link import now
from thft.gateway.limiter import SECOND_NS
from thft.model.fixed import ABSENT

FEED = 1
REJECTED_FOR = {
    "0": "symbols.form",
    "5": "market_data.top_depth",
    "6": "market_data.update_type",
    "8": "market_data.entries",
}
"""MDReqRejReason(281) → the key that made the request so."""
EXPECTED_MESSAGES = 3
"""So many prices must have been due in a silence that is believed."""


async def symbols(trial: Trial) -> str:
    """Asks for the list of instruments and finds the wanted ones in it."""
    terms, book = trial.dialect.symbols, trial.symbols
    if not book.wanted:
        raise NotTested("the record says symbols.discovery = static: there is no list to ask for")
    line = await trial.on("symbols")
    kind, body = book.request()
    since = trial.ask(line, kind, body, "list")

    def answer() -> Message | None:
        lists = (one for one in line.messages(since) if one.type in ("y", "h"))
        return next(lists, None)

    await trial.until(lambda: answer() or trial.refusal(line, since, kind, "list"))
    if (refused := trial.refusal(line, since, kind, "list")) is not None:
        other = "static" if refused.unsupported else "x, g or static"
        raise Failed(f"{kind} refused: {refused.text}", *_wrong("symbols.discovery", other))
    message = answer()
    if message is None:
        raise Failed(f"{kind}: {trial.silence(line)}", *_wrong("symbols.discovery", "x, g, static"))
    if trouble := book.take(message):
        raise Failed(trouble, *_wrong("symbols.discovery", "x, g or static"))
    shape = trial.dialect.dictionary.group(message.type, tags.NO_RELATED_SYM)
    listed = list(message.groups(shape))
    for key in ("name_tag", "digits_tag", "min_size_tag"):
        if (tag := getattr(terms, key)) and listed and listed[0].text(tag) is None:
            raise Failed(f"entries have no {tag}", f"symbols.{key}", f"write symbols.{key} = 0")
    _forms(trial, [entry.text(terms.tag) or "" for entry in listed])
    if book.missing:
        names = ", ".join((entry.text(terms.name_tag or terms.tag) or "") for entry in listed[:5])
        remedy = f"take names as the list has them ({names} …), or another symbols.name_tag"
        raise Failed("; ".join(book.missing.values()), "symbols.name_tag", remedy)
    known = ", ".join(f"{name} = {book.ids[one]}" for name, one in book.names.items())
    return f"{len(listed)} instruments; {known}"


def _wrong(key: str, values: str) -> tuple[str, str]:
    return key, f"{key} is one of {values}: write what the venue's document says"


def _forms(trial: Trial, ids: list[str]) -> None:
    form = trial.dialect.symbols.form
    odd = [one for one in ids if not re.fullmatch(form, one)]
    if odd:
        remedy = "widen the form, or take the tag that holds the id (symbols.tag)"
        raise Failed(f"{odd[0]!r} does not look like {form}", "symbols.form", remedy)


# ---- prices ------------------------------------------------------------------------------------


async def best_prices(trial: Trial) -> str:
    """Subscribes best prices as the client does, and holds W and X against the record."""
    terms = trial.dialect.market_data
    line, listener, since = await _subscribe(trial, "top")
    trial.best = listener.best(1)
    seen = [price for quote in listener.quotes for price in quote[1:] if price != ABSENT]
    trial.point = _point(seen)
    rows = _rows(trial, line.messages(since))
    sized = any(max(row.size(tags.MD_ENTRY_SIZE), 0) for _, row in rows)
    if terms.top_sizes and not sized:
        raise Failed(
            "271 says nothing", "market_data.top_sizes", "write market_data.top_sizes = false"
        )
    return _judged(trial, line, since, listener, "top")


async def depth(trial: Trial) -> str:
    """Subscribes the depth of the book, judges it, and ends the subscription."""
    terms = trial.dialect.market_data
    if terms.depth == "none":
        raise NotTested("the record says market_data.depth = none")
    line, listener, since = await _subscribe(trial, "depth")
    said = _judged(trial, line, since, listener, "depth")
    _end(trial, line)
    await trial.settled(line)
    return f"{said}; {len(set(listener.levels))} prices"


async def unsubscribe(trial: Trial) -> str:
    """Ends the subscription of best prices: nothing may come for it any more."""
    line = await trial.on("quotes")
    if line.ear.quotes is None or not line.ear.quotes.ready:
        raise NotTested("nothing is subscribed: see best prices")
    before, began_ns = line.mark, now().monotonic_ns
    await trial.until(lambda: len(_prices(line, before)) >= EXPECTED_MESSAGES)
    busy = len(_prices(line, before)) >= EXPECTED_MESSAGES
    took_s = (now().monotonic_ns - began_ns) / SECOND_NS
    quiet_s = max(trial.means.quiet_s, took_s if busy else 0.0)
    _end(trial, line)
    await trial.settled(line)
    since = line.mark
    late = await trial.until(lambda: _prices(line, since), quiet_s)
    if late:
        remedy = "a V with 263=2 under the same 262 must end it: compare with the venue's document"
        said = f"{late[0].type} still came after 263=2"
        raise Failed(said, "overlay.messages.V", remedy)
    if not busy:
        raise NotTested(f"too few prices in {took_s:.1f} s to tell silence")
    return f"silence for {quiet_s:.1f} s after 263=2"


def _prices(line: Line, since: int) -> list[Message]:
    return [one for one in line.messages(since) if one.type in ("W", "X")]


def _end(trial: Trial, line: Line) -> None:
    if line.ear.quotes is not None:
        line.ear.quotes.unsubscribe_all()
        line.ear.quotes = None
        trial.gate.run()


async def _subscribe(trial: Trial, kind: Literal["top", "depth"]) -> tuple[Line, Listener, int]:
    """Subscribes all instruments and waits for as much as tells W from X."""
    line = await trial.on("quotes")
    trial.must_know_symbols()
    listener = Listener()
    settings = structs.replace(trial.settings, depth=kind == "depth")
    desk = QuoteDesk(listener, FEED, trial.dialect, settings, trial.symbols)
    desk.channel, line.ear.quotes = line, desk
    since = line.mark
    desk.logged_on(0)
    trial.gate.run()
    await trial.until(lambda: desk.ready or _refused(line, since, listener))
    _raise_refused(line, since, listener)
    if not desk.ready:
        words = trial.silence(line)
        raise Failed(
            f"no prices: {words}", f"market_data.{kind}", "compare V, unless the market is closed"
        )
    await trial.until(lambda: _told_apart(trial, _prices(line, since)))
    return line, listener, since


def _told_apart(trial: Trial, prices: list[Message]) -> bool:
    """Returns whether what came tells a venue that sends W alone from one that goes on with X."""
    counts = Counter(one.type for one in prices)
    return counts["X"] > 0 or counts["W"] > len(trial.symbols.ids)


def _refused(line: Line, since: int, listener: Listener) -> bool:
    return any(one.type in ("Y", "j") for one in line.messages(since)) or any(
        one.startswith("refused") for one in listener.faults
    )


def _raise_refused(line: Line, since: int, listener: Listener) -> None:
    for message in line.messages(since):
        if message.type == "Y":
            key = REJECTED_FOR.get(message.text(tags.MD_REQ_REJ_REASON) or "", "market_data")
            said = f"V refused: {message.text(tags.TEXT) or 'no reason given'}"
            raise Failed(said, key, f"change {key} to what the venue's document says")
    refused = next((one for one in listener.faults if one.startswith("refused")), None)
    if refused is not None:
        remedy = "compare V with the venue's document: a field too many or too few"
        raise Failed(f"V {refused}", "overlay.messages.V", remedy)


def _judged(
    trial: Trial, line: Line, since: int, listener: Listener, kind: Literal["top", "depth"]
) -> str:
    """Holds what came against the record; returns it in words."""
    terms, key = trial.dialect.market_data, f"market_data.{kind}"
    prices = _prices(line, since)
    counts = Counter(one.type for one in prices)
    recorded: str = getattr(terms, kind)
    seen = " then ".join(name for name in ("W", "X") if counts[name])
    said = f"{counts['W']} W, {counts['X']} X"
    if listener.faults:
        raise Failed(listener.faults[0], "market_data.entry_key", "compare what names an entry")
    if recorded == "W then X" and seen == "W":
        if counts["W"] > len(trial.symbols.ids):
            raise Failed(f"{said}: a W came again", key, write(key, "W"))
        raise NotTested(f"{said}: good, but no price moved within {trial.means.patience_s:g} s")
    trial.learn(key, recorded, seen)
    if terms.echoes_request_id and any(one.get(tags.MD_REQ_ID) is None for one in prices):
        name = "market_data.echoes_request_id"
        raise Failed("262 does not come back", name, f"write {name} = false")
    for message, row in _rows(trial, prices):
        action = row.text(tags.MD_UPDATE_ACTION)
        if message.type == "X" and action not in terms.actions:
            name = "market_data.actions"
            raise Failed(f"X has 279={action}", name, f"add {action!r} to {name}")
    return said


def _rows(trial: Trial, messages: list[Message]) -> list[tuple[Message, Fields]]:
    """Returns every entry of W and X with its message."""
    group = trial.dialect.dictionary.group
    shapes = {kind: group(kind, tags.NO_MD_ENTRIES) for kind in ("W", "X")}
    return [
        (message, row)
        for message in messages
        if message.type in shapes
        for row in message.groups(shapes[message.type])
    ]


def _point(prices: list[int]) -> int:
    """Returns the largest power of ten that divides all prices."""
    point = 1
    while prices and all(price % (point * 10) == 0 for price in prices):
        point *= 10
    return point
