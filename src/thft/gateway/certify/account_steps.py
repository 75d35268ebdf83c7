"""Steps that ask and change nothing: no orders, no positions, an unknown order; called by `run`."""

from __future__ import annotations

from typing import NamedTuple

from thft.fix import tags
from thft.fix.wire import Message
from thft.gateway.certify.booking import Booking
from thft.gateway.certify.line import Line, Refused
from thft.gateway.certify.report import Failed, NotTested, write
from thft.gateway.certify.trial import Trial
from thft.gateway.fix.reports import read
from thft.gateway.fix.snapshot import Snapshot
from thft.gateway.fix_link import now


async def no_orders(trial: Trial) -> str:
    """Asks for all orders (AF) of an account that has none."""
    line = await trial.on("orders")
    terms, key = trial.dialect.orders, "orders.mass_status"
    if terms.mass_status == "none":
        raise NotTested(f'the record says {key} = "none": nothing is asked')
    snapshot = Snapshot(trial.dialect)
    request = snapshot.next_orders()
    since = trial.ask(line, "AF", trial.words.all_orders(request), "orders")

    def reports() -> list[Message]:
        found = (one for one in line.messages(since) if one.type == "8")
        return [one for one in found if one.text(tags.MASS_STATUS_REQ_ID) == request]

    def refusal() -> Refused | None:
        return trial.refusal(line, since, "AF", "orders", request)

    await trial.until(lambda: reports() or refusal())
    if (refused := refusal()) is not None:
        return _refused_orders(trial, refused)
    if not reports():
        raise Failed(f"AF: {trial.silence(line)}", key, write(key, "none"))
    total = read(reports()[0], trial.dialect, trial.symbols).total
    trial.learn(key, terms.mass_status, "AF")
    if total:
        trial.flat = False
        raise NotTested(f"{total} orders are open: the answer for none was not seen")
    trial.learn("empty.orders", trial.dialect.empty.orders, "8 911=0")
    return "one report with 911=0"


def _refused_orders(trial: Trial, refused: Refused) -> str:
    """Reads a j or Reject that answers AF: no orders, or no such question."""
    terms, empty, text = trial.dialect.orders, trial.dialect.empty, refused.text
    if refused.incomplete:
        remedy = "say in overlay.messages.AF what the venue wants"
        raise Failed(f"AF refused: {text}", "overlay.messages.AF", remedy)
    if refused.unsupported:
        trial.learn("orders.mass_status", terms.mass_status, "none")
        trial.learn("empty.orders", empty.orders, "none")
        return f"AF is not offered: {text}"
    known = trial.dialect.reason(text)
    if known != "unknown":
        raise Failed(f"AF refused: {text}", "texts", f"it is told as {known}: see texts")
    trial.learn("orders.mass_status", terms.mass_status, "AF")
    trial.learn("empty.orders", empty.orders, "j")
    return f"BusinessMessageReject: {text}"


class Held(NamedTuple):
    """An answer to AN: which message said it, and every position."""

    form: str
    positions: list[tuple[str, str, int]]
    """Position id, the instrument's id, signed size 1e-8."""

    def sizes(self, symbol: str) -> list[int]:
        """Returns the sizes held in one instrument."""
        return [size for _, one, size in self.positions if one == symbol]


async def ask_positions(trial: Trial) -> Held:
    """Asks for all positions as the client does; raises Failed or NotTested."""
    line = await trial.on("orders")
    terms, key = trial.dialect.positions, "positions.request"
    if terms.request == "none":
        raise NotTested(f'the record says {key} = "none": nothing is asked')
    snapshot = Snapshot(trial.dialect)
    request = snapshot.next_positions()
    body = trial.words.all_positions(request, now().utc_ns)
    since = trial.ask(line, "AN", body, "positions")
    taken: list[tuple[Message, int]] = []
    trouble: list[str] = []

    def complete() -> bool:
        new = [one for one in line.messages(since) if one.type in ("AP", "AO")]
        for message in new[len(taken) :]:
            before = sum(snapshot.sizes.values())
            trouble.append(snapshot.position(message))
            taken.append((message, sum(snapshot.sizes.values()) - before))
        return snapshot.positions_complete or any(trouble)

    def refusal() -> Refused | None:
        return trial.refusal(line, since, "AN", "positions", request)

    await trial.until(lambda: complete() or refusal())
    if (refused := refusal()) is not None:
        raise _refused_positions(trial, refused)
    if any(trouble):
        remedy = "compare AN with the venue's document"
        raise Failed("; ".join(filter(None, trouble)), "positions.request_fields", remedy)
    if not snapshot.positions_complete:
        raise _incomplete(trial, line, taken)
    trial.learn(key, terms.request, "AN")
    return _held(trial, taken)


def _refused_positions(trial: Trial, refused: Refused) -> Exception:
    key, text = "positions.request", refused.text
    asks = trial.dialect.positions.request == "AN"
    if refused.unsupported and asks:
        return Failed(f"AN is not offered: {text}", key, write(key, "none"))
    if refused.unsupported:
        trial.learned |= {key: "none", "empty.positions": "none"}
        return NotTested(f"AN is not offered: {text}")
    remedy = "compare AN with the venue's document"
    if asks:
        return Failed(f"AN refused: {text}", "positions.request_fields", remedy)
    return NotTested(f"AN refused: {text} — positions.request_fields: {remedy}")


def _incomplete(trial: Trial, line: Line, taken: list[tuple[Message, int]]) -> Failed:
    if not taken:
        key = "positions.request"
        return Failed(f"AN: {trial.silence(line)}", key, write(key, "none"))
    message = taken[0][0]
    said = f"{message.type} with 727={message.text(727)} 728={message.text(728)} is no whole answer"
    remedy = "the client would wait for ever: ask the venue how it says none"
    return Failed(said, "empty.positions", remedy)


def _held(trial: Trial, taken: list[tuple[Message, int]]) -> Held:
    dialect = trial.dialect
    id_tag = dialect.positions.id_tag or tags.POS_MAINT_RPT_ID
    held = [
        (message.text(id_tag) or "", message.text(dialect.symbols.tag) or "", size)
        for message, size in taken
        if message.type == "AP" and size
    ]
    first = taken[0][0].type
    return Held("AO" if first == "AO" else "AP 728=2", held)


async def no_positions(trial: Trial) -> str:
    """Asks for the positions (AN) of an account that has none."""
    idle = trial.flat is not False
    if trial.dialect.positions.request == "none":
        trial.flat = idle  # as far as anybody tells: the steps close by what is booked
    held = await ask_positions(trial)
    trial.flat = idle and not held.positions
    if held.positions:
        count = len(held.positions)
        raise NotTested(f"{count} positions are open: the answer for none was not seen")
    trial.learn("empty.positions", trial.dialect.empty.positions, held.form)
    return held.form


async def unknown_order(trial: Trial) -> str:
    """Asks for an order that never was (H): the answer must say that it is not known."""
    line = await trial.on("orders")
    trial.must_know_symbols()
    if trial.dialect.orders.status == "none":
        raise NotTested('the record says orders.status = "none": nothing is asked')
    order = Booking(trial).order("market", "IOC", 1)
    order.client_order_id += "x"
    since = trial.ask(line, "H", trial.words.status(order), "query")

    def report() -> Message | None:
        reports = (one for one in line.messages(since) if one.type == "8")
        named = (one for one in reports if one.text(tags.CL_ORD_ID) == order.client_order_id)
        return next(named, None)

    def refusal() -> Refused | None:
        return trial.refusal(line, since, "H", "query", order.client_order_id)

    await trial.until(lambda: report() or refusal())
    if (refused := refusal()) is not None:
        return _not_found(trial, refused)
    message = report()
    if message is None:
        key = "orders.status"
        raise Failed(f"H: {trial.silence(line)}", key, write(key, "none"))
    kind = read(message, trial.dialect, trial.symbols).kind
    if kind != "not_found":
        remedy = "the client would take it for an order's end: ask the venue"
        said = f"150={message.text(150)} 39={message.text(39)} 103={message.text(103)}"
        raise Failed(f"an order that never was: {said}", "overlay.messages.8", remedy)
    return "an order that never was: 39=8, 103=5"


def _not_found(trial: Trial, refused: Refused) -> str:
    text = refused.text
    if refused.incomplete:
        remedy = "say in overlay.messages.H what the venue wants"
        raise Failed(f"H refused: {text}", "overlay.messages.H", remedy)
    if refused.unsupported:
        raise Failed(f"H is not offered: {text}", "orders.status", write("orders.status", "none"))
    if trial.dialect.reason(text) != "order_not_found":
        remedy = (
            f'add [[texts]] with prefix = "{text.partition(":")[0]}", reason = "order_not_found"'
        )
        raise Failed(f"an order that never was: {text}", "texts", remedy)
    return f"an order that never was: {text}"
