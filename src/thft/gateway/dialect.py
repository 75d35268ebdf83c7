"""What differs from one FIX venue to the next, as one record; read by FIX clients and simulators.

`thft.gateway.dialects` loads and checks records. `?` says that nobody knows yet: where trading
depends on the answer, `require_known` refuses.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from thft.base.errors import LocalError
from thft.fix.dictionary import Dictionary, fix44

UNANSWERED = "?"
SPARED = frozenset(("breach.action", "market_data.depth"))
"""Keys that trading does not depend on: limits are kept whatever a breach brings, and a
configuration that takes an unknown depth is refused for that. All others refuse live trading."""
SETTINGS = ("username", "password", "sender_sub_id", "target_sub_id", "account")
"""What a record may ask of the user, as `{name}`."""

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$")]
TagText = Annotated[str, Meta(pattern=r"^[1-9][0-9]*$")]
Tag = Annotated[int, Meta(ge=0)]
"""0 for a field that the venue does not have."""
Port = Annotated[int, Meta(ge=0, le=65_535)]
Count = Annotated[int, Meta(ge=0)]
Decimal = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?$")]
Role = Literal["quotes", "orders", "symbols", "drop_copy"]
Moment = Annotated[str, Meta(pattern=r"^((Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?[0-2][0-9]:[0-5][0-9]$")]
Mode = Literal["W", "X", "W then X", "none", "?"]
OrderKind = Literal["market", "limit", "stop", "market_range"]
Tif = Literal["DAY", "GTC", "GTD", "IOC", "FOK"]
Reason = Literal[
    "auth",
    "config",
    "locked_out",
    "rate_breach",
    "maintenance",
    "channel_blocked",
    "order_not_found",
    "position_not_found",
    "invalid_request",
    "market_closed",
    "no_money",
    "requote",
    "busy",
    "unknown_outcome",
    "unknown",
]
"""What a text of the venue means to us; `unknown` keeps the text and decides nothing."""


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a dialect."""


class Link(Record, frozen=True, kw_only=True):
    """One socket that the venue offers: what travels on it, where, and the header it wants."""

    name: Name
    roles: Annotated[tuple[Role, ...], Meta(min_length=1)]
    tls: Literal["required", "offered", "none"]
    tls_port: Port = 0
    """0: a setting of the user, as the host always is."""
    plain_port: Port = 0
    header: dict[TagText, str] = {}
    """Header fields of every message: tag → text, or `{setting}` of SETTINGS."""


class CompIds(Record, frozen=True, kw_only=True):
    """SenderCompID(49) and TargetCompID(56)."""

    target: str
    """What 56 says unless the user has been told otherwise; empty: always a setting."""
    match: Literal["exact", "any_case"]
    """How an inbound CompID is compared with ours."""
    form: str = ""
    """Regular expression for 49."""
    unique: bool
    """A second session under the same 49 is refused while one lives."""
    blocked_heartbeats: Count = 0
    """A 49 whose connection broke without Logout is refused for so many HeartBtInts."""
    drawn: Annotated[int, Meta(ge=0, le=8)] = 0
    """The venue takes any 49 that no living session has: so many characters are drawn for each
    session and stand behind the user's."""


class Logon(Record, frozen=True, kw_only=True):
    """How the venue knows us, and the interval it takes."""

    fields: dict[TagText, str]
    """Body fields of the Logon besides 98, 108, 141: tag → text or `{setting}`."""
    signature: Literal["none", "ed25519"] = "none"
    username_form: str = ""
    user_request: bool = False
    """A Logon without credentials is taken when a UserRequest(BE) with them follows."""
    heartbeat_s: Count
    heartbeat_min_s: Count = 0
    heartbeat_max_s: Count = 0
    """0: no limit known."""


class Symbols(Record, frozen=True, kw_only=True):
    """How an instrument is named, and where the list of them comes from."""

    tag: Literal[55, 48]
    form: str
    """Regular expression of the name or id in that tag."""
    id_source: str = ""
    """SecurityIDSource(22) beside 48."""
    discovery: Literal["x", "g", "static"]
    """SecurityListRequest, TradingSessionStatusRequest, or a table of the user's."""
    link: str = ""
    """Where the list is asked for."""
    name_tag: Tag = 0
    digits_tag: Tag = 0
    min_size_tag: Tag = 0


class Quantity(Record, frozen=True, kw_only=True):
    """What OrderQty(38) counts."""

    unit: Literal["units", "contracts", "base"]
    step: Decimal
    contract_size: Literal["one", "mapping", "list"]
    """A unit is one of the base asset; or the symbol mapping, or the venue's list, says it."""


class MarketData(Record, frozen=True, kw_only=True):
    """What a MarketDataRequest(V) must say and what comes back."""

    top: Mode
    depth: Mode
    top_depth: Count = 1
    """MarketDepth(264) that asks for the best prices alone."""
    full_depth: Count = 0
    update_type: dict[Literal["top", "depth"], Literal[0, 1]] = {}
    """MDUpdateType(265); a kind that is not named leaves it out."""
    entries: tuple[str, ...]
    """MDEntryTypes(269) to ask for."""
    top_sizes: bool
    """271 says something in best prices."""
    depth_sizes: bool
    time: Literal["header", "entry"]
    """Where the venue's time of a price stands: SendingTime(52), or 272 and 273."""
    echoes_request_id: bool
    """262 comes back; without it a message belongs to whoever asked for its symbol."""
    entry_key: Literal["id", "price", "side"]
    """What names an entry of X: MDEntryID(278), its price, or its side alone."""
    actions: tuple[Literal["0", "1", "2"], ...]
    """MDUpdateActions(279) of X."""
    carried_tags: tuple[Tag, ...] = ()
    """An entry without one of these has the value of the entry before it."""
    update_ids: tuple[Tag, ...] = ()
    """First and last update id of an X, which follow the last one of the message before."""
    symbols_per_request: Count = 0
    """0: no limit known."""


class Positions(Record, frozen=True, kw_only=True):
    """How the account holds what it has bought and sold."""

    model: Literal["netting", "hedging", "account", "balances", "?"]
    """`account`: netting or hedging, which the user's account settings say."""
    id_tag: Tag
    """The position's id, in reports and in the order that closes it."""
    request: Literal["AN", "none", "?"]
    request_fields: dict[TagText, str] = {}


class Orders(Record, frozen=True, kw_only=True):
    """What may be ordered, and what reports say."""

    types: dict[OrderKind, Annotated[tuple[Tif, ...], Meta(min_length=1)]]
    sends_tif: bool
    """TimeInForce(59) is understood; else the type alone says it."""
    without_tif: tuple[OrderKind, ...] = ()
    """Types that must not say it all the same."""
    needs_account: bool
    """Account(1) is required."""
    fields: dict[TagText, str] = {}
    """Constant fields of NewOrderSingle."""
    client_id_form: str
    """Regular expression of ClOrdID(11)."""
    label_tag: Tag = 0
    status: Literal["H", "none"]
    mass_status: Literal["AF", "none", "?"]
    replace: Literal["G", "none"]
    changes: tuple[Literal["price", "size"], ...] = ("price", "size")
    """What a G may change."""
    exec_id: bool
    """ExecID(17) is there and tells executions apart."""
    last_price: bool
    """LastPx(31) is there; else it follows from AvgPx(6) and CumQty(14)."""
    leaves_at_end: bool
    """LeavesQty(151) is 0 in the report that ends an order."""
    copies: bool
    """Every open order session gets each report."""
    foreign: bool
    """Reports of orders that were entered elsewhere arrive too."""
    extra_states: tuple[str, ...] = ()
    """OrdStatus(39) values besides 0 1 2 4 8 A C and 6 E."""


class Empty(Record, frozen=True, kw_only=True):
    """How the venue says that there is nothing."""

    orders: Literal["j", "8 911=0", "none", "?"]
    """BusinessMessageReject, or one report with TotNumReports 0; `none`: there is no request."""
    positions: Literal["AP 728=2", "AO", "none", "?"]


class Rate(Record, frozen=True, kw_only=True):
    """At most so many messages of ours in any window."""

    links: tuple[str, ...]
    messages: Annotated[int, Meta(ge=1)]
    window_s: Annotated[int, Meta(ge=1)]
    scope: Literal["session", "account", "address"]


class Breach(Record, frozen=True, kw_only=True):
    """What too many messages bring."""

    action: Literal["logout", "reject", "?"]
    lockout_s: Count = 0
    """Logons are refused for so long afterwards."""
    by_agreement: bool = False
    """The threshold stands in the contract: a setting of the user."""


class Connect(Record, frozen=True, kw_only=True):
    """At most so many attempts in any window."""

    links: tuple[str, ...]
    attempts: Annotated[int, Meta(ge=1)]
    window_s: Annotated[int, Meta(ge=1)]
    scope: Literal["account", "address"]


class Closed(Record, frozen=True, kw_only=True):
    """A time at which the venue is away, daily or (with weekdays) weekly."""

    begin: Moment
    end: Moment
    zone: str
    why: str = ""


class TextCode(Record, frozen=True, kw_only=True):
    """What a text that begins so means."""

    prefix: Annotated[str, Meta(min_length=1)]
    reason: Reason
    tag: Tag = 58


class FieldChange(Record, frozen=True, kw_only=True):
    """See Dictionary.with_overlay."""

    name: str = ""
    type: str = ""
    values: str = ""
    add_values: str = ""
    remove_values: str = ""


class GroupChange(Record, frozen=True, kw_only=True):
    """See Dictionary.with_overlay."""

    add: str = ""
    remove: str = ""
    required: str = ""
    optional: str = ""
    groups: dict[TagText, GroupChange] = {}


class MessageChange(GroupChange, frozen=True, kw_only=True):
    """See Dictionary.with_overlay."""

    name: str = ""
    body: str = ""


class Overlay(Record, frozen=True, kw_only=True):
    """What the venue's messages have more or less than the standard's."""

    fields: dict[TagText, FieldChange] = {}
    parts: dict[str, GroupChange] = {}
    messages: dict[str, MessageChange] = {}


class Dialect(Record, frozen=True, dict=True, kw_only=True):
    """One venue's FIX; see docs/dialects.md."""

    name: Name
    title: str
    specification: str
    begin_string: Literal["FIX.4.4"] = "FIX.4.4"
    links: Annotated[tuple[Link, ...], Meta(min_length=1)]
    comp_ids: CompIds
    logon: Logon
    timestamp_digits: Literal[0, 3, 6, 9]
    reset: Literal["required", "advised", "continue"]
    """Whether every Logon starts numbers over with 141=Y."""
    recovery: Literal["snapshots", "order_status", "resend", "drop_copy", "?"]
    """What tells us after a new connection what we have missed."""
    liveness: Literal["any_message", "heartbeat"]
    symbols: Symbols
    quantity: Quantity
    market_data: MarketData
    positions: Positions
    orders: Orders
    empty: Empty
    rates: tuple[Rate, ...] = ()
    breach: Breach
    connect: tuple[Connect, ...] = ()
    closed: tuple[Closed, ...] = ()
    texts: tuple[TextCode, ...] = ()
    overlay: Overlay = field(default_factory=Overlay)

    @cached_property
    def dictionary(self) -> Dictionary:
        """The messages of this venue."""
        return fix44().with_overlay(_overlay(self.overlay))

    def reason(self, text: str, tag: int = 58) -> Reason:
        """Returns what a text of the venue in `tag` means: the longest prefix decides."""
        known = [code for code in self.texts if code.tag == tag and text.startswith(code.prefix)]
        best = max(known, key=lambda code: len(code.prefix), default=None)
        return best.reason if best else "unknown"

    def unanswered(self) -> list[str]:
        """Returns every key whose answer nobody has given."""
        keys = []
        for name, value in msgspec.structs.asdict(self).items():
            if value == UNANSWERED:
                keys.append(name)
            elif isinstance(value, Record):
                inner = msgspec.structs.asdict(value).items()
                keys += [f"{name}.{key}" for key, one in inner if one == UNANSWERED]
        return keys

    def unknown(self) -> list[str]:
        """Returns the keys without an answer that trading depends on."""
        return [key for key in self.unanswered() if key not in SPARED]


class NotForLive(LocalError):
    """Trading through this dialect would be guessing."""


def require_known(dialect: Dialect) -> None:
    """Raises NotForLive when something is unknown that live trading depends on."""
    if keys := dialect.unknown():
        raise NotForLive(
            f"dialect {dialect.name}: {', '.join(keys)} unknown (`?`); "
            "an account could be taken for empty or flat that is not",
            f"ask the venue, fill them in in a copy of {dialect.name}.toml and name that file",
        )


def _overlay(record: Struct) -> dict[str, Any]:
    """Returns an overlay as the dictionary takes it: without what is not said."""
    table = {}
    for key, value in msgspec.structs.asdict(record).items():
        if isinstance(value, dict):
            value = {name: _overlay(item) for name, item in value.items()}
        if value:
            table[key] = value
    return table
