"""A small language for conversations with a session, and its player in virtual time.

    > 35=D|11=A|…      the peer sends; 8, 9, 10, 34, 49, 52, 56 are filled in unless given
    < 35=D|34=2|…      the session has sent this next: all its fields in order but 8 9 10 49 52 56
    wait 3.6           so many seconds pass; what falls due in between takes place
    connect [N]        a connection begins, the peer goes on at number N or starts at 1
    cut                it is lost
    logon [S] · bye N  connection and Logons, HeartBtInt S or 30; a Logout whose answer has number N
    quiet              nothing more was sent
    open · closed      the session keeps the connection, or wants it closed
    set NAME=VALUE …   settings, before everything else
    send BODY          the owner sends an order; `cannot send` when it must not
    logout TEXT        the owner ends the session
    state NAME · reason TEXT · in N · out N · got N · resent N … · forgot CAUSE:N … · roundtrip NS
    times DIGITS       the state, why it ended, next numbers, messages delivered, orders sent again,
                       what a reset forgot, a measured time, the precision of SendingTime

In `>`: `!34` leaves a field out, `now` and `now-3` (seconds) in a value are UTC times, `checksum`,
`length+3`, `length-3` as a first word falsify the trailer or BodyLength, `raw` sends the rest as
it is. `|` stands for SOH, `$A1` for an order of that id. In `<`: `*` is any value. A message that
nobody expected fails the next line.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from thft.cli.fix_echo import Echo
from thft.fix.dictionary import fix44
from thft.fix.session import (
    Application,
    Event,
    MemoryStore,
    NotLoggedOn,
    Now,
    NumbersReset,
    OrdersResent,
    RecoveryPolicy,
    ResendPolicy,
    RoundTrip,
    Session,
    SessionConfig,
    Store,
)
from thft.fix.terms import Checks
from thft.fix.wire import Framer, Garbled, Message, format_timestamp, pack

SECOND_NS = 1_000_000_000
START_NS = 1_700_000_000 * SECOND_NS
ORDER = "11={}|21=3|38=100|40=1|54=1|55=INTC|60=20240102-03:04:05"
INTERVAL_S = "30"
KEEP_ALL = ResendPolicy(order_age_ns=None, rejects=False)
HIDDEN = (8, 9, 10, 49, 52, 56)
HEADER = frozenset((8, 9, 34, 35, 43, 49, 50, 52, 56, 57, 97, 115, 116, 122, 128, 129, 144, 145))

Mutator = Callable[[bytes], bytes | None]


class Failed(AssertionError):
    """The session did something else than the script says."""


class Wire(Protocol):
    """What a player talks to: a session in virtual time, or a program behind a socket."""

    def connect(self) -> None: ...
    def cut(self) -> None: ...
    def send(self, raw: bytes) -> None: ...
    def wait(self, seconds: float) -> None: ...
    def next_message(self, wanted: bool) -> bytes | None: ...
    def is_closed(self) -> bool: ...
    def now_ns(self) -> int: ...


def message(fields: list[tuple[str, str]], falsify: str = "") -> bytes:
    """Returns the bytes of a message; `fields` begin with 8, BodyLength and CheckSum are added."""
    body = "".join(f"{tag}={value}\x01" for tag, value in fields[1:]).encode("latin-1")
    length = len(body)
    if falsify.startswith("length"):
        length += int(falsify[6:])
    head = f"8={fields[0][1]}\x019={length}\x01".encode() + body
    checksum = sum(head) % 256
    if falsify == "checksum":
        checksum = (checksum + 1) % 256
    return head + b"10=%03d\x01" % checksum


def split(raw: bytes) -> list[tuple[int, str]]:
    """Returns the fields of a good message; raises Failed for a garbled one."""
    units = Framer().feed(raw)
    if len(units) != 1 or isinstance(units[0], Garbled):
        raise Failed(f"not one good message: {raw!r}: {units}")
    return [(tag, value.decode("latin-1")) for tag, value in units[0].fields()]


class Player:
    """Plays the peer's side of a script over a wire, against an initiator the acceptor's."""

    def __init__(
        self, wire: Wire, us: str = "TW", them: str = "ISLD", initiator: bool = False
    ) -> None:
        self.wire = wire
        self.us, self.them = us, them
        self.initiator = initiator
        """The session under test speaks first, and says 141=Y."""
        self.seq = 1
        self.log: list[str] = []

    def play(self, script: str) -> Player:
        """Plays all lines; raises Failed with what was said so far."""
        for number, line in enumerate(script.strip().splitlines(), 1):
            line = re.sub(r"\$(\w+)", lambda match: ORDER.format(match[1]), line.strip())
            try:
                self._line(line)
            except Failed as failure:
                said = "\n".join(self.log)
                raise Failed(f"line {number}: {line}\n{failure}\n--- so far\n{said}") from failure
        self._line("quiet")
        return self

    def _line(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "<":
            self.expect(rest)
            return
        if word == "set":
            return
        if word != "times":
            self.quiet()
        getattr(self, {">": "say"}.get(word, f"do_{word}"))(rest)

    # ---- what the peer does --------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Sends one message."""
        word, _, rest = text.partition(" ")
        if word == "raw":
            self._put(rest.replace("|", "\x01").encode("latin-1"))
            return
        falsify = word if "=" not in word else ""
        self._put(message(self._filled(rest if falsify else text), falsify))

    def _put(self, raw: bytes) -> None:
        self.log.append("> " + raw.decode("latin-1").replace("\x01", "|"))
        self.wire.send(raw)

    def _filled(self, text: str) -> list[tuple[str, str]]:
        given = [field.partition("=")[::2] for field in text.split("|")]
        out = {tag[1:] for tag, _ in given if tag.startswith("!")}
        fields = [(tag, self._value(value)) for tag, value in given if not tag.startswith("!")]
        has = {tag for tag, _ in fields} | out
        dup = ("43", "Y") in fields
        seq = next((int(v) for t, v in fields if t == "34" and v.lstrip("-").isdigit()), self.seq)
        if not dup:
            self.seq = seq + (0 if "34" in out else 1)
        auto = [("34", str(seq)), ("49", self.us), ("52", self._value("now")), ("56", self.them)]
        kind = [field for field in fields if field[0] == "35"][:1]
        begin = [field for field in fields if field[0] == "8"] or [("8", "FIX.4.4")]
        first = [begin[0], *kind]
        rest = [field for field in fields if field not in first]
        return [*first, *(field for field in auto if field[0] not in has), *rest]

    def _value(self, value: str) -> str:
        match = re.fullmatch(r"now([+-][0-9.]+)?(:s)?", value)
        if match is None:
            return value
        at = self.wire.now_ns() + int(float(match[1] or 0) * SECOND_NS)
        return format_timestamp(at, 0 if match[2] else 3).decode()

    def do_logon(self, rest: str) -> None:
        """Connects and logs on."""
        fields = f"98=0|108={rest or INTERVAL_S}" + "|141=Y" * self.initiator
        logons = [f"> 35=A|{fields}", f"< 35=A|34=1|{fields}"]
        for line in ("connect", *(reversed(logons) if self.initiator else logons)):
            self._line(line)

    def do_bye(self, rest: str) -> None:
        """Logs out; the answer has the number `rest`."""
        for line in ("> 35=5", f"< 35=5|34={rest}", "closed"):
            self._line(line)

    def do_connect(self, rest: str) -> None:
        """Begins a connection; numbers of the peer go on unless `connect N` says otherwise."""
        self.seq = int(rest) if rest else 1
        self.wire.connect()

    def do_cut(self, rest: str) -> None:
        """Loses the connection."""
        self.wire.cut()

    def do_wait(self, rest: str) -> None:
        """Lets time pass."""
        self.wire.wait(float(rest))

    # ---- what the session must have done ---------------------------------------------------------

    def expect(self, text: str) -> None:
        """Compares the next message, field by field."""
        raw = self.wire.next_message(wanted=True)
        if raw is None:
            raise Failed("nothing was sent")
        self.log.append("< " + raw.decode("latin-1").replace("\x01", "|"))
        fields = split(raw)
        self._form(fields)
        shown = [(tag, value) for tag, value in fields if tag not in HIDDEN]
        wanted = [field.partition("=")[::2] for field in text.split("|")]
        if len(shown) != len(wanted) or not all(
            str(tag) == want and (what == "*" or value == self._value(what))
            for (tag, value), (want, what) in zip(shown, wanted, strict=True)
        ):
            raise Failed("sent: " + "|".join(f"{tag}={value}" for tag, value in shown))

    def _form(self, fields: list[tuple[int, str]]) -> None:
        """Checks what every message must have, and the order of its header."""
        tags = [tag for tag, _ in fields]
        known = dict(fields)
        if tags[:3] != [8, 9, 35] or tags[-1] != 10:
            raise Failed(f"order of fields {tags}")
        header = [tag for tag in tags[3:] if tag in HEADER]
        if header != sorted(header) or tags[3 : 3 + len(header)] != header:
            raise Failed(f"order of the header {tags}")
        if (known[8], known[49], known[56]) != ("FIX.4.4", self.them, self.us):
            raise Failed(f"BeginString or CompIDs: {fields}")
        for tag in {52, 122} & known.keys():
            if re.fullmatch(r"[0-9]{8}-[0-9:]{8}\.[0-9]{3}", known[tag]) is None:
                raise Failed(f"{tag}={known[tag]} is not a time in milliseconds")
        if abs(stamp_ns(known[52]) - self.wire.now_ns()) > 5 * SECOND_NS:
            raise Failed(f"52={known[52]} is not now")
        if 122 in known and stamp_ns(known[122]) > stamp_ns(known[52]):
            raise Failed(f"122={known[122]} is later than 52={known[52]}")

    def quiet(self) -> None:
        """Fails when there is a message that nobody expected."""
        raw = self.wire.next_message(wanted=False)
        if raw is not None:
            raise Failed("unexpected: " + raw.decode("latin-1").replace("\x01", "|"))

    def do_quiet(self, rest: str) -> None:
        """`quiet` is tested before every line but `<`."""

    def do_times(self, rest: str) -> None:
        """The next message has a SendingTime with so many digits."""
        time = dict(split(self.wire.next_message(wanted=True) or b""))[52]
        if len(time.partition(".")[2]) != int(rest):
            raise Failed(f"52={time}")

    def do_open(self, rest: str) -> None:
        """The session keeps the connection."""
        if hasattr(self.wire, "do_open"):
            self.wire.do_open(rest)
        elif self.wire.is_closed():
            raise Failed("it was closed")

    def do_closed(self, rest: str) -> None:
        """The session wants the connection closed."""
        if not self.wire.is_closed():
            raise Failed("it was not closed")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return getattr(self.wire, name)
        raise AttributeError(name)


def stamp_ns(text: str) -> int:
    """Returns a SendingTime as ns."""
    raw = message([("8", "FIX.4.4"), ("35", "0"), ("52", text)])
    unit = Framer().feed(raw)[0]
    assert isinstance(unit, Message)
    return unit.timestamp_ns(52)


class VirtualWire:
    """A session under test with a clock of its own; `echo` answers what it delivers."""

    def __init__(
        self, config: SessionConfig, store: Store | None = None, mutator: Mutator | None = None
    ) -> None:
        self.store = store or MemoryStore()
        self.session = Session(config, self.store)
        self.echo = Echo(config.dictionary)
        self.events: list[Event] = []
        self.delivered: list[Message] = []
        self.monotonic_ns = 5 * SECOND_NS
        self._framer = Framer()
        self._sent: deque[bytes] = deque()
        self._mutator = mutator
        self._closed = True

    @property
    def now(self) -> Now:
        return Now(self.monotonic_ns, self.now_ns())

    def now_ns(self) -> int:
        return START_NS + self.monotonic_ns

    def connect(self) -> None:
        self._framer = Framer()
        self._closed = False
        self._sent.clear()
        self._after(self.session.connected(self.now))

    def cut(self) -> None:
        self._closed = True
        self._after(self.session.disconnected(self.now))

    def send(self, raw: bytes) -> None:
        if self._closed:
            raise Failed("the connection is closed")
        self._after(self.session.received(self._framer.feed(raw), self.now))

    def wait(self, seconds: float) -> None:
        end = self.monotonic_ns + round(seconds * SECOND_NS)
        while (due := self.session.next_timer_ns) is not None and due <= end:
            self.monotonic_ns = max(due, self.monotonic_ns)
            self._after(self.session.timer(self.now))
        self.monotonic_ns = end

    def run(self) -> None:
        """Does what is due now, such as the rest of a long answer."""
        self.wait(0)

    def _after(self, events: Iterable[Event]) -> None:
        for event in events:
            self.events.append(event)
            if isinstance(event, Application):
                self.delivered.append(event.message)
            self.echo.happened(self.session, event, self.now)
        self.store.flush()
        for unit in Framer().feed(self.session.take()):
            raw: bytes | None = unit.raw
            if self._mutator is not None and raw is not None:
                raw = self._mutator(raw)
            if raw is not None:
                self._sent.append(raw)
        if self.session.leave:
            self._closed = True

    def next_message(self, wanted: bool) -> bytes | None:
        return self._sent.popleft() if self._sent else None

    def is_closed(self) -> bool:
        return self._closed

    # ---- lines that only a session in hand can answer ------------------------------------------

    def do_logout(self, rest: str) -> None:
        self._after(self.session.logout(rest, self.now))

    def do_send(self, rest: str) -> None:
        fields = [field.partition("=")[::2] for field in rest.split("|")]
        self.session.send("D", pack([(int(tag), value) for tag, value in fields]), self.now)
        self._after([])

    def do_cannot(self, rest: str) -> None:
        try:
            self.do_send("11=NEVER")
        except NotLoggedOn:
            return
        raise Failed("it was sent")

    def do_resent(self, rest: str) -> None:
        seqs = [o.seq for e in self.events if isinstance(e, OrdersResent) for o in e.orders]
        self._same(" ".join(map(str, seqs)), rest)

    def do_forgot(self, rest: str) -> None:
        resets = [event for event in self.events if isinstance(event, NumbersReset)]
        self._same(" ".join(f"{one.cause}:{one.kept_messages}" for one in resets), rest)

    def do_roundtrip(self, rest: str) -> None:
        self._same(str([e.ns for e in self.events if isinstance(e, RoundTrip)]), f"[{rest}]")

    def do_state(self, rest: str) -> None:
        self._same(str(self.session.state), rest)

    def do_in(self, rest: str) -> None:
        self._same(str(self.store.next_in), rest)

    def do_out(self, rest: str) -> None:
        self._same(str(self.store.next_out), rest)

    def do_got(self, rest: str) -> None:
        self._same(str(len(self.delivered)), rest)

    def do_reason(self, rest: str) -> None:
        if rest not in self.session.leave:
            raise Failed(f"the reason is {self.session.leave!r}")

    def _same(self, found: str, wanted: str) -> None:
        if found != wanted:
            raise Failed(f"found {found}")


def settings(script: str, **given: Any) -> SessionConfig:
    """Returns the settings of a script: those of a conformance acceptor, changed by its `set`."""
    base: dict[str, Any] = {
        "sender": "ISLD",
        "target": "TW",
        "dictionary": fix44(),
        "reset_on_logon": not given.get("initiator"),
        "resend": KEEP_ALL,
    }
    base |= given
    known = {"Checks": Checks, "frozenset": frozenset, "signature": _signature}
    for line in script.splitlines():
        word, _, rest = line.partition(" ")
        if word == "logon" and rest:
            base["heartbeat_s"] = int(rest)
        for name, _, text in (setting.partition("=") for setting in rest.split() * (word == "set")):
            value = eval(text, known)
            policy, _, inner = name.partition(".")
            if inner:
                default = RecoveryPolicy() if policy == "recovery" else KEEP_ALL
                value = replace(base.get(policy, default), **{inner: value})
            base[policy] = value
    return SessionConfig(**base)


def _signature(seq: int, time: bytes) -> list[tuple[int, str | bytes | int]]:
    signed = b"%d/%b/sig" % (seq, time)
    return [(95, len(signed)), (96, signed)]


def scenarios(name: str) -> dict[str, str]:
    """Returns the scripts of a file in `scenarios/` by their titles."""
    text = (Path(__file__).parent / "scenarios" / f"{name}.txt").read_text()
    found: dict[str, str] = {}
    for part in text.split("== ")[1:]:
        title, _, script = part.partition("\n")
        if title in found:
            raise ValueError(f"{title!r} stands twice in {name}.txt")
        found[title] = script
    return found


def play(script: str, **parts: Any) -> VirtualWire:
    """Plays a script against a session in virtual time; returns the wire for a closer look."""
    store, mutator = parts.pop("store", None), parts.pop("mutator", None)
    wire = VirtualWire(settings(script, **parts), store, mutator)
    Player(wire, initiator=wire.session.config.initiator).play(script)
    return wire


def for_either_role(scripts: dict[str, str]) -> dict[str, str]:
    """Returns the scripts that an initiator which starts numbers over must follow too.

    Those are all in which `logon` alone connects: what comes before it depends on the role.
    """
    return {
        title: script
        for title, script in scripts.items()
        if "logon" in script.split()
        and not {"connect", "reset_on_logon=False"} & set(script.split())
    }
