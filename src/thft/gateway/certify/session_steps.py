"""Steps about the session: logon, lost messages, limits, logout, numbers; called by `run`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import partial

from thft.fix import tags
from thft.fix.session import OrdersResent, Sent, State
from thft.gateway.certify.booking import Booking
from thft.gateway.certify.line import Left, Line
from thft.gateway.certify.report import Failed, NotTested, write
from thft.gateway.certify.trial import CannotBegin, Trial
from thft.gateway.fix.causes import REMEDIES
from thft.gateway.fix_link import now
from thft.gateway.limiter import SECOND_NS, Lane

LOGON_S = 15.0
TOO_LOW = "too low"
"""Every engine says so of a number that was used before."""
AGAIN_MESSAGES = 2
"""So many messages are taken for lost and asked for again."""
LATE_NS = 100_000_000
"""A message may be noted so long after it has left."""
QUERIES_SHARE = 10
"""Questions may fill a tenth of the limit on orders."""
FLOOD_MESSAGES = 120
FLOOD_LIMIT = 1_000
"""A record that allows more in a window is not provoked."""


async def logon(trial: Trial) -> str:
    """Connects and logs on all links; each must answer a TestRequest."""
    said = []
    for line in trial.lines:
        line.begin()
        await trial.until(line.on_or_away, LOGON_S)
        if not line.logged_on:
            raise _refused(trial, line)
        since = line.mark
        if not await trial.settled(line):
            raise Failed(f"{line.name}: TestRequest: {trial.silence(line)}", "liveness", "ask")
        trip_ms = line.round_trips_ns(since)[0] / 1e6
        header = f" with header {' '.join(line.header)}" if line.header else ""
        said.append(f"{line.name}: logged on{header}, round trip {trip_ms:.1f} ms")
    return "; ".join(said)


def _refused(trial: Trial, line: Line) -> Exception:
    """Returns what a Logon without success means."""
    line.stop()
    text = line.ear.words[1]
    if "connect failed" in text or not line.seen:
        return CannotBegin(f"{line.name}: {text}", "check host, ports, TLS and secrets")
    reason = trial.dialect.reason(text.partition(": ")[2])
    if TOO_LOW in text:
        remedy = 'name the directory that has its numbers (--data), or write reset = "required"'
        return Failed(f"{line.name}: {text}", "reset", remedy)
    if text.startswith("Logon refused"):
        key = "comp_ids.target" if reason == "config" else "logon.fields"
        remedy = REMEDIES.get(reason, f"compare {key} with what the venue has told you")
        return Failed(f"{line.name}: {text}", key, remedy)
    key = f"links.{line.name}.header"
    remedy = f"a silent venue misses a header field or does not know us: see {key} and comp_ids"
    return Failed(f"{line.name}: {text}", key, remedy)


# ---- lost messages -----------------------------------------------------------------------------


async def gap(trial: Trial) -> str:
    """Takes the venue's last messages for lost: it must send or fill them again when asked."""
    line = await _asked_line(trial)
    kind, body, _ = _question(trial)
    await trial.settled(line)
    back = min(AGAIN_MESSAGES, line.store.next_in - 1)
    since = line.mark
    line.store.set_next_in(line.store.next_in - back, "certification takes them for lost")
    line.say(Lane.QUERY, kind, body, "behind")

    def filled() -> bool:
        states = [one.state for one in line.states(since)]
        return State.RECOVERING in states and states[-1] is State.LOGGED_ON

    await trial.until(lambda: filled() or not line.logged_on)
    if not filled():
        said = f"{back} messages were asked for again and not filled: {trial.silence(line)}"
        remedy = "a gap will end the session: let recovery be snapshots or order_status"
        raise Failed(said, "recovery", remedy)
    if trial.dialect.recovery == "?":
        trial.learned["recovery"] = "resend"
    return f"{back} messages asked for and filled"


async def stale_order(trial: Trial) -> str:
    """Loses an order on its way: asked for again, it must be gap-filled and never be sent."""
    trial.must_trade()
    kind, body, asked = _question(trial)
    line = await trial.on("orders")
    order = Booking(trial).order("market", trial.dialect.orders.types["market"][0], 1)
    order.client_order_id = lost = f"{order.client_order_id}lost"
    since, store, moment_ns = line.mark, line.store, now().utc_ns
    words = trial.words.new_order(order, moment_ns)
    store.append(Sent(store.next_out, "D", moment_ns, words, (), order=True))
    line.say(Lane.QUERY, kind, body, "behind")

    def again() -> bool:
        resent = any(isinstance(one, OrdersResent) for one in line.seen[since:])
        return resent or any(one.text(tags.CL_ORD_ID) == lost for one in line.messages(since))

    def answered() -> bool:
        named = (one.text(tag) for one in line.messages(since) for tag in (tags.CL_ORD_ID, 379))
        return asked in named

    await trial.until(lambda: again() or answered() or not line.logged_on)
    if again():
        raise Failed("an order was sent again after its time", "", "report it: do not trade")
    if not line.logged_on:
        return f"the venue ends the session instead of asking: {line.ear.words[1]}"
    if not answered():
        remedy = "it neither asks for what it lacks nor goes on: ask the venue"
        raise Failed(f"a question behind a gap: {trial.silence(line)}", "recovery", remedy)
    return "an order lost on its way was gap-filled, not sent again"


# ---- limits ------------------------------------------------------------------------------------


async def throttle(trial: Trial) -> str:
    """Asks more at once than the limits allow, and holds what left against them."""
    limit = max(trial.settings.executions_per_s // QUERIES_SHARE, 1)
    line = await _asked_line(trial)
    kind, body, _ = _question(trial)
    since = len(line.left)
    for _ in range(limit + limit // 4 + 1):
        line.say(Lane.QUERY, kind, body, "burst")
    wanted = since + limit + limit // 4 + 1

    def questions() -> list[Left]:
        return [one for one in line.left[since:] if one.kind == kind]

    await trial.until(lambda: len(questions()) >= wanted - since, 10.0)
    burst = _densest(questions(), 1)
    if burst > limit:
        raise Failed(f"{burst} questions left in one second, {limit} allowed", "", "report it")
    for rate in trial.dialect.rates:
        for one in (one for one in trial.lines if one.name in rate.links):
            if (count := _densest(one.left, rate.window_s)) > rate.messages:
                said = f"{count} messages of {one.name} left in {rate.window_s} s"
                raise Failed(said, "rates", f"{rate.messages} are allowed: report it")
    if not await trial.settled(line):
        said = f"{limit} questions a second are too many: {trial.silence(line)}"
        raise Failed(said, "rates", "add the venue's limit to rates, or lower executions_per_s")
    return f"{len(questions())} questions at once left at {burst} a second at most"


async def breach(trial: Trial) -> str:
    """Sends far too much: only to a simulator."""
    terms, key = trial.dialect.breach, "breach.action"
    if not trial.means.simulated:
        raise NotTested("only a simulator is provoked")
    allowed = max((rate.messages for rate in trial.dialect.rates), default=0)
    if allowed > FLOOD_LIMIT:
        raise NotTested(f"the record allows {allowed} messages in a window")
    line = await _asked_line(trial)
    kind, body, _ = _question(trial)
    line.flood(kind, body, FLOOD_MESSAGES)
    if await trial.settled(line):
        if terms.action == "?":
            raise NotTested(f"{FLOOD_MESSAGES} messages at once brought nothing")
        said = f"{FLOOD_MESSAGES} messages at once brought nothing"
        raise Failed(said, key, "ask the venue for its limit and what a breach brings")
    await trial.until(lambda: line.ear.away)
    text = line.ear.words[1]
    trial.learn(key, terms.action, "logout")
    if trial.dialect.reason(text.partition(": ")[2]) != "rate_breach":
        remedy = 'add [[texts]] with that prefix and reason = "rate_breach"'
        raise Failed(text, "texts", remedy)
    return text


async def _asked_line(trial: Trial) -> Line:
    return await trial.on("quotes" if trial.dialect.orders.status == "none" else "orders")


def _question(trial: Trial) -> tuple[str, bytes, str]:
    """Returns a question that changes nothing, for an order that never was, and that one's id."""
    trial.must_know_symbols()
    if trial.dialect.orders.status == "none":
        raise NotTested("the record has no question that changes nothing")
    order = Booking(trial).order("market", "IOC", 1)
    order.client_order_id += "x"
    return "H", trial.words.status(order), order.client_order_id


def _densest(left: Iterable[Left], window_s: int) -> int:
    """Returns how many left in the fullest window."""
    window: deque[int] = deque()
    span_ns, most = window_s * SECOND_NS - LATE_NS, 0
    for one in left:
        window.append(one.ns)
        while window[0] <= one.ns - span_ns:
            window.popleft()
        most = max(most, len(window))
    return most


# ---- end and beginning -------------------------------------------------------------------------


async def logout(trial: Trial) -> str:
    """Logs out of every link: the venue must answer."""
    said = []
    for line in trial.lines:
        await trial.until(line.on_or_over)
        if not line.logged_on:
            raise NotTested(f"link {line.name} is not logged on")
        since = line.mark
        line.relog("certification")
        await trial.until(partial(_end, line, since))
        reason = _end(line, since)
        if reason != "logged out":
            remedy = "a logout that is not answered looks like a cut: ask the venue"
            said_text = f"{line.name}: {reason or trial.silence(line)}"
            raise Failed(said_text, "comp_ids.blocked_heartbeats", remedy)
        said.append(line.name)
    return f"answered on {', '.join(said)}"


def _on_or_refused(line: Line) -> bool:
    return line.logged_on or _refused_again(line)


def _refused_again(line: Line) -> bool:
    """Returns whether the last thing that happened was a Logon without success."""
    states = [one.state for one in line.states(0)[-2:]]
    return states == [State.LOGON_SENT, State.DISCONNECTED]


def _end(line: Line, since: int) -> str:
    states = line.states(since)
    return next((one.reason for one in states if one.state is State.DISCONNECTED), "")


async def reconnect(trial: Trial) -> str:
    """Waits until every link is logged on again, and holds the numbers against the record."""
    said, reset = [], trial.dialect.reset
    for line in trial.lines:
        if line.over:
            raise NotTested(f"link {line.name} was not logged on")
        before = line.store.next_out
        wait_s = LOGON_S + trial.means.first_wait_ms / 1_000
        await trial.until(partial(_on_or_refused, line), wait_s)
        if not line.logged_on:
            other = "required" if reset == "continue" else "continue"
            why = line.states(0)[-1].reason
            raise Failed(f"{line.name}: {why}", "reset", write("reset", other))
        if not await trial.settled(line):
            raise Failed(f"{line.name}: {trial.silence(line)}", "reset", "compare 141 of the Logon")
        after = line.store.next_out
        if reset == "continue" and after <= before:
            remedy = write("reset", "required")
            raise Failed(f"{line.name}: numbers start over", "reset", remedy)
        how = f"go on at {after}" if reset == "continue" else "start over"
        said.append(f"{line.name}: numbers {how}")
    return "; ".join(said)
