"""`thft fix-drive`: a FIX 4.4 initiator that a test acceptor drives; the pair of `fix-echo`."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import sys
from pathlib import Path

import uvloop

from thft.base.errors import LocalError
from thft.cli.fix_options import ClientTls, SessionOptions
from thft.fix import tags
from thft.fix.dictionary import fix44
from thft.fix.session import (
    LOGGED_ON_STATES,
    Application,
    Event,
    MemoryStore,
    Now,
    ResendPolicy,
    Session,
    SessionConfig,
    Store,
)
from thft.fix.wire import format_timestamp, pack
from thft.gateway.fix_initiator import FixInitiator
from thft.gateway.fix_link import now
from thft.store.fix_log import FixLog

LARGEST_BURST = 100_000
RULES, PLAIN = SessionOptions(), ClientTls()
log = logging.getLogger("thft.fix-drive")


class Drive:
    """Sends n orders whenever a News has the headline `SEND:n`."""

    def happened(self, session: Session, event: Event, now: Now) -> None:
        """Looks for the command in what the session delivers."""
        if not isinstance(event, Application) or event.message.type != tags.MSG_NEWS:
            return
        command = re.fullmatch(rb"SEND:([0-9]{1,6})", event.message.get(tags.HEADLINE) or b"")
        if command is None or session.state not in LOGGED_ON_STATES:
            return
        time = format_timestamp(now.utc_ns, 0)
        for number in range(1, min(int(command[1]), LARGEST_BURST) + 1):
            session.send(tags.MSG_NEW_ORDER_SINGLE, _order(number, time), now)


def _order(number: int, time: bytes) -> bytes:
    return pack(
        (
            (tags.CL_ORD_ID, f"ORD-{number}"),
            (tags.HANDL_INST, "1"),
            (tags.ORDER_QTY, 100),
            (tags.ORD_TYPE, "1"),
            (tags.SIDE, "1"),
            (tags.SYMBOL, "EURUSD"),
            (tags.TRANSACT_TIME, time),
        )
    )


class Every:
    """The same pause before every attempt."""

    def __init__(self, ms: int) -> None:
        self._ms = ms

    def next_ms(self) -> int:
        """Returns the pause."""
        return self._ms

    def proven_healthy(self) -> None:
        """Changes nothing."""


def fix_drive(
    *,
    connect: str,
    sender: str,
    target: str,
    heartbeat: int = 30,
    store: Path | None = None,
    durable: bool = False,
    retry_ms: int = 1_000,
    rules: SessionOptions = RULES,
    tls: ClientTls = PLAIN,
) -> int:
    """Runs a FIX 4.4 initiator until SIGTERM; a News with 148=SEND:n makes it send n orders.

    Parameters
    ----------
    connect
        HOST:PORT of the acceptor.
    sender
        Our SenderCompID.
    target
        The acceptor's CompID.
    heartbeat
        HeartBtInt in seconds.
    store
        Directory that keeps numbers and messages; without it every Logon says 141=Y.
    durable
        What is kept is on the disk before it leaves, so that a power cut takes none of it.
    retry_ms
        Pause before the next attempt to connect.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    host, _, port = connect.rpartition(":")
    if not host or not port.isdigit():
        raise LocalError(f"--connect {connect!r} is no address", "write HOST:PORT")
    config = SessionConfig(
        sender=sender,
        target=target,
        # A command needs no text, and many a test acceptor sends none.
        dictionary=fix44().with_overlay({"messages": {"B": {"optional": "33"}}}),
        initiator=True,
        heartbeat_s=heartbeat,
        reset_on_logon=store is None,
        say_no_reset=store is not None,
        resend=ResendPolicy(order_age_ns=None, rejects=False),
        **rules.settings(),
    )
    kept: Store = MemoryStore()
    if store is not None:
        kept = FixLog.open(store, now().utc_ns, durable=durable)
    initiator = FixInitiator(
        Session(config, kept),
        Drive(),
        (host.strip("[]"), int(port)),
        log.info,
        waits=Every(retry_ms),
        tls=tls.context(),
    )

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, initiator.stop, "the initiator is stopped")
        await initiator.run()

    uvloop.run(main())
    if isinstance(kept, FixLog):
        kept.close()
    return 0
