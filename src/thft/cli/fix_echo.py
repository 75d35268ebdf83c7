"""`thft fix-echo`: a FIX 4.4 acceptor that sends orders back, for conformance tests of sessions."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from dataclasses import replace
from pathlib import Path

import uvloop

from thft.cli.fix_options import ServerTls, SessionOptions
from thft.fix import tags
from thft.fix.dictionary import STRICT, Dictionary, fix44
from thft.fix.session import (
    LOGGED_ON_STATES,
    Application,
    Event,
    MemoryStore,
    Now,
    ResendPolicy,
    Schedule,
    Session,
    SessionConfig,
    State,
    StateChanged,
)
from thft.fix.terms import Checks
from thft.fix.wire import BadGroup, Message, pack
from thft.gateway.fix_acceptor import AcceptorLimits, FixAcceptor
from thft.gateway.fix_link import now
from thft.store.fix_log import FixLog

ECHOED = frozenset("DdC")
OTHER, UNSUPPORTED_TYPE = 0, 3
OWN_HEADER = frozenset((8, 9, 34, 35, 43, 49, 52, 56, 122, 369, 627, 628, 629, 630))
"""Header fields that a new message has of its own; all others come back."""
IDS_KEPT = 100_000
TARGETS = "TW44,TW"
LAX_TARGET = "NO_CHECK_FIELDS_HAVE_VALUES"
RULES, PLAIN = SessionOptions(), ServerTls()
log = logging.getLogger("thft.fix-echo")


class Echo:
    """Sends orders, security definitions and mails back as new messages with the same content."""

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self._seen: dict[bytes, None] = {}

    def happened(self, session: Session, event: Event, now: Now) -> None:
        """Answers what the session delivers."""
        if isinstance(event, StateChanged) and event.state is State.DISCONNECTED:
            self._seen.clear()
        elif isinstance(event, Application) and session.state in LOGGED_ON_STATES:
            self._answer(session, event.message, now)

    def _answer(self, session: Session, message: Message, now: Now) -> None:
        if message.type not in ECHOED:
            session.reject_business(message, UNSUPPORTED_TYPE, "Unsupported Message Type", now)
            return
        order_id = message.get(tags.CL_ORD_ID)
        if order_id is not None:
            if message.get(tags.POSS_RESEND) == b"Y" and order_id in self._seen:
                return
            self._seen[order_id] = None
            if len(self._seen) > IDS_KEPT:
                del self._seen[next(iter(self._seen))]
        try:
            body = self._dictionary.body(message)
        except BadGroup as error:  # only where empty values are let through
            session.reject_business(message, OTHER, error.cause, now)
            return
        body += [
            (tag, value)
            for tag in (tags.SIGNATURE_LENGTH, tags.SIGNATURE)
            if (value := message.get(tag)) is not None
        ]
        extra = tuple(
            field
            for field in message.fields()
            if field[0] in tags.HEADER_TAGS and field[0] not in OWN_HEADER
        )
        session.send(message.type, pack(body), now, extra)


def fix_echo(
    *,
    port: int,
    host: str = "127.0.0.1",
    sender: str = "ISLD",
    targets: str = TARGETS,
    reset_on_logon: bool = True,
    store: Path | None = None,
    durable: bool = False,
    rules: SessionOptions = RULES,
    tls: ServerTls = PLAIN,
) -> int:
    """Runs a FIX 4.4 acceptor that sends orders, definitions and mails back.

    Prints one line when it is ready and ends on SIGTERM.

    Parameters
    ----------
    port
        TCP port; 0 takes a free one.
    host
        Address to listen on.
    sender
        Our SenderCompID.
    targets
        TargetCompIDs of the sessions. One more, NO_CHECK_FIELDS_HAVE_VALUES, takes empty values.
    reset_on_logon
        Numbers start over at every Logon.
    store
        Directory that keeps numbers and messages; without it they end with the process.
    durable
        What is kept is on the disk before it leaves, so that a power cut takes none of it.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    sessions = [
        Session(config, MemoryStore() if store is None else _log(store, config, durable))
        for config in _configs(sender, targets, reset_on_logon, rules)
    ]
    acceptor = FixAcceptor(
        sessions,
        lambda session: Echo(session.config.dictionary),
        log.info,
        limits=AcceptorLimits(logon_refusal="silent"),
    )
    context = tls.context()

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        bound = await acceptor.listen(host, port, context)
        print(f"ready {host}:{bound}", flush=True)
        await stop.wait()
        await acceptor.close("the acceptor is stopped")

    uvloop.run(main())
    for session in sessions:
        if isinstance(session.store, FixLog):
            session.store.close()
    return 0


def _configs(
    sender: str, targets: str, reset_on_logon: bool, rules: SessionOptions
) -> list[SessionConfig]:
    lax = SessionConfig(
        sender=sender,
        target=LAX_TARGET,
        dictionary=fix44(),
        checks=Checks(values=False),
        reset_on_logon=reset_on_logon,
        schedule=Schedule(),
        resend=ResendPolicy(order_age_ns=None, rejects=False),
        **rules.settings(),
    )
    return [*(replace(lax, target=name, checks=STRICT) for name in targets.split(",")), lax]


def _log(directory: Path, config: SessionConfig, durable: bool) -> FixLog:
    path = directory / f"{config.sender}-{config.target}"
    return FixLog.open(path, now().utc_ns, durable=durable)
