"""Dialect records: each shipped one walked, each kind of mistake found with its key and remedy."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from msgspec import Struct
from tests.shared_files import needs, shared_file

from thft.fix.wire import Framer, Header, Message, pack
from thft.gateway.dialect import SETTINGS, SPARED, Dialect, NotForLive, require_known
from thft.gateway.dialects import FOLDER, BadDialect, load, parsed, shipped
from thft.gateway.fix.settings import FixSettings, dialect_findings

Table = dict[str, Any]
NAMES = ["binance", "ctrader", "fxcm", "generic", "lmax"]
REQUEST_TYPES = {"orders": "DFG", "quotes": "V", "symbols": "x", "drop_copy": ""}


def table(name: str = "ctrader") -> Table:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text())


def test_shipped_records_are_these() -> None:
    assert shipped() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_shipped_record_holds_together(name: str) -> None:
    dialect = load(name)
    assert dialect.name == name
    assert dialect.specification.startswith("https://")
    for link in dialect.links:
        for kind in "".join(REQUEST_TYPES[role] for role in link.roles):
            assert kind in dialect.dictionary.names, kind
    for group in (dialect.logon.fields, *(link.header for link in dialect.links)):
        for text in group.values():
            assert not text.startswith("{") or text[1:-1] in SETTINGS
    if dialect.positions.request == "AN":
        fields = [(int(tag), text) for tag, text in dialect.positions.request_fields.items()]
        given = {710: "p1"} | dict(fields) | {60: "20260302-09:15:00"}
        known = {tag for tag in given if dialect.dictionary.field_name(tag)}
        assert known == given.keys()
    assert all(re.fullmatch(dialect.orders.client_id_form, text) for text in ("a1-3-17", "X"))


@pytest.mark.parametrize("name", NAMES)
def test_unknown_answers_refuse_live_trading(name: str) -> None:
    dialect = load(name)
    keys = dialect.unknown()
    assert bool(keys) is (name in ("generic", "lmax", "fxcm"))
    if keys:
        with pytest.raises(NotForLive) as refused:
            require_known(dialect)
        assert all(key in refused.value.cause for key in keys)
        assert f"{name}.toml" in refused.value.remedy
    else:
        require_known(dialect)


def may_be_unknown(kind: type[Struct] = Dialect) -> list[str]:
    """Returns every key of a record that may say `?`, from its types."""
    keys = []
    for one in msgspec.structs.fields(kind):
        if isinstance(one.type, type) and issubclass(one.type, Struct):
            keys += [f"{one.name}.{key}" for key in may_be_unknown(one.type)]
        elif "?" in get_args(one.type):
            keys.append(one.name)
    return keys


def with_unknown(key: str) -> Dialect:
    """Returns a record that knows all but one key."""
    broken = table()
    broken["breach"]["action"] = "logout"
    *path, last = key.split(".")
    inner = broken
    for name in path:
        inner = inner[name]
    inner[last] = "?"
    return parsed(broken, "mine.toml")


@pytest.mark.parametrize("key", may_be_unknown())
def test_each_unknown_refuses(key: str) -> None:
    dialect = with_unknown(key)
    assert dialect.unanswered() == [key]
    if key in SPARED:
        require_known(dialect)
        return
    with pytest.raises(NotForLive, match=key.replace(".", r"\.")):
        require_known(dialect)


def test_what_may_be_unknown_without_refusing() -> None:
    """Limits are kept whatever a breach brings; a depth that nobody knows is not taken."""
    assert {*may_be_unknown()} > SPARED == {"breach.action", "market_data.depth"}
    settings = FixSettings(host="h", sender_comp_id="a.b.1", username="1", depth=True)
    name = "thft.gateway.fix.settings.load"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(name, lambda path: with_unknown("market_data.depth"))
        found = dict(dialect_findings("mine.toml", settings, live=True, trades=True))
    assert found["fix.depth"] == "the dialect has no depth"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(name, lambda path: with_unknown("market_data.top"))
        found = dict(dialect_findings("mine.toml", settings, live=True, trades=True))
    assert "market_data.top unknown" in found["dialect"]


def test_own_record_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = (FOLDER / "ctrader.toml").read_text()
    path.write_text(text.replace('name = "ctrader"', 'name = "mine"', 1))
    assert load(str(path)).name == "mine"
    with pytest.raises(BadDialect, match="No such file"):
        load(str(tmp_path / "other.toml"))
    path.write_text("name = ")
    with pytest.raises(BadDialect, match="mend the TOML"):
        load(str(path))


def test_texts_of_the_venue_have_reasons() -> None:
    dialect = load("ctrader")
    assert dialect.reason("ORDER_NOT_FOUND:Order with id 7 is not found") == "order_not_found"
    assert dialect.reason("Order is under execution") == "busy"
    assert dialect.reason("something new") == "unknown"
    assert load("binance").reason("-1007", 25016) == "unknown_outcome"
    assert load("binance").reason("-1007") == "unknown"
    assert load("lmax").reason("Number of messages exceeds the threshold: 100") == "rate_breach"


def put(key: str, value: object) -> Callable[[Table], None]:
    """Returns a change of one key; a number in the path is a place in a list."""

    def change(broken: Table) -> None:
        *path, last = key.split("/")
        inner: Any = broken
        for name in path:
            inner = inner[int(name) if name.isdigit() and isinstance(inner, list) else name]
        if value is None:
            del inner[last]
        else:
            inner[last] = value

    return change


BROKEN = [
    # keys and values
    (put("colour", "red"), "colour: unknown key", "use one of name, title"),
    (put("market_data/tops", "W"), "market_data.tops: unknown key", "use one of top, depth"),
    (put("reset", None), "reset: missing", "use one of"),
    (put("links", None), "links: missing", "write a list"),
    (put("orders/exec_id", None), "orders.exec_id: missing", "true or false"),
    (put("recovery", "hope"), "recovery: 'hope'", "use one of"),
    (put("links", []), "links: []", "write a list"),
    (put("links/0/tls_port", 70_000), "links[0].tls_port: 70000", "from 0 to 65535"),
    (put("links/1/roles", ["orders", "tea"]), "links[1].roles[1]: 'tea'", "use one of"),
    (put("positions/id_tag", "721"), "positions.id_tag: '721'", "write a number"),
    (put("quantity/step", "a bit"), "quantity.step: 'a bit'", "matches"),
    (put("orders/types/limit", ["GTX"]), "orders.types.limit[0]: 'GTX'", "use one of"),
    (put("orders/types/iceberg", ["DAY"]), "orders.types.iceberg: 'iceberg'", "use one of"),
    (put("orders", 4), "orders: 4", "write a table"),
    (put("closed/0/begin", "Friday"), "closed[0].begin: 'Friday'", "matches"),
    (put("overlay/messages/D/plus", "1"), "overlay.messages.D.plus: unknown key", "add"),
    # what contradicts itself or names what is not there
    (put("links/1/name", "quote"), "links: two are named quote", "name of its own"),
    (put("links/0/tls", "required"), "links[0].plain_port: TLS is required", "remove"),
    (put("links/0/tls", "none"), "links[0].tls_port: there is no TLS", "remove"),
    (put("symbols/link", "list"), "symbols.link: 'list' is no link", "quote, trade"),
    (
        put("rates", [{"links": ["x"], "messages": 1, "window_s": 1, "scope": "session"}]),
        "rates[0].links: 'x' is no link",
        "quote",
    ),
    (put("links/0/header/58", "hello"), "links[0].header.58: the field belongs into the", "move"),
    (put("links/0/header/49", "me"), "links[0].header.49: every message has it", "remove"),
    (put("links/0/header/50", "{sub}"), "links[0].header.50: '{sub}' is no setting", "{username}"),
    (put("logon/fields/553", ""), "logon.fields.553: empty", "write a text"),
    (put("logon/fields/57", "x"), "logon.fields.57: the field belongs into the header", "move"),
    (put("symbols/form", "[0-9"), "symbols.form: '[0-9'", "regular expression"),
    (put("logon/heartbeat_min_s", 20), "logon.heartbeat_s: 10 is not from 20", "change it"),
    (put("market_data/actions", []), "market_data.actions: X has no action", "279"),
    (put("market_data/update_ids", [34]), "market_data.update_ids: 1 tags", "first and the last"),
    (put("positions/id_tag", 0), "positions.id_tag: hedged positions need an id", "721"),
    (put("empty/positions", "none"), "empty.positions: 'none' with", "in both or in neither"),
    (put("orders/mass_status", "none"), "empty.orders: 'j' with", "in both or in neither"),
    (put("recovery", "resend"), "recovery: numbers start over", "continue"),
    (put("orders/types", {}), "orders.types: a link takes orders", "name the order types"),
    (put("closed/0/end", "17:00"), "closed[0]: one end has a weekday", "both ends"),
    (put("closed/0/zone", "Mars/Base"), "closed[0].zone: no zone 'Mars/Base'", "Europe/London"),
    (put("symbols/name_tag", 1999), "symbols.name_tag: 1999 is no field", "overlay.fields"),
    (put("overlay/messages/D/add", "4711"), "overlay: D: tag 4711", "define it under fields"),
    (put("overlay/fields/1000/type", "MONEY"), "overlay: fields.1000: no type", "use one of"),
]


@pytest.mark.parametrize(("change", "finding", "remedy"), BROKEN, ids=[one[1] for one in BROKEN])
def test_broken_record(change: Callable[[Table], None], finding: str, remedy: str) -> None:
    broken = table()
    change(broken)
    with pytest.raises(BadDialect) as refused:
        parsed(broken, "mine.toml")
    lines = [line for line in str(refused.value).splitlines() if line.startswith(f"  {finding}")]
    assert lines, refused.value
    assert remedy in lines[0].partition(" — ")[2]


def test_all_findings_at_once() -> None:
    broken = table()
    for change, _, _ in BROKEN[:3]:
        change(broken)
    with pytest.raises(BadDialect, match="3 findings"):
        parsed(broken, "mine.toml")
    both = table()
    put("links/0/tls", "none")(both)
    put("symbols/form", "(")(both)
    with pytest.raises(BadDialect, match="2 findings"):
        parsed(both, "mine.toml")


@needs("fix/ctrader_fix44_messages.fix")
def test_recorded_messages_of_ctrader_pass_its_dictionary() -> None:
    dialect = load("ctrader")
    units = Framer().feed(shared_file("fix/ctrader_fix44_messages.fix").read_bytes())
    assert len(units) == 22
    for unit in units:
        assert isinstance(unit, Message)
        assert dialect.dictionary.validate(unit) is None, unit.raw


def message(dialect: Dialect, kind: str, fields: list[tuple[int, Any]]) -> Message:
    header = Header("FIX.4.4", ((49, "A"), (56, "B")))
    unit = Framer().feed(header.encode(kind, 1, 1_700_000_000_000_000_000, pack(fields)))[0]
    assert isinstance(unit, Message)
    return unit


INSTRUMENT = {"lmax": [(48, "4001"), (22, "8")]}
ORDER = [(11, "a"), (54, "1"), (60, "20260302-09:15:00"), (38, "1"), (40, "1")]
SIDES = [[(269, "0")], [(269, "1")]]


@pytest.mark.parametrize("name", NAMES)
def test_requests_in_the_venues_words_pass_its_dictionary(name: str) -> None:
    dialect = load(name)
    instrument: list[tuple[int, Any]] = list(INSTRUMENT.get(name, [(55, "EURUSD")]))
    order = ORDER + instrument
    order += [(int(tag), text) for tag, text in dialect.orders.fields.items()]
    if "D" in dialect.overlay.messages:
        removed = dialect.overlay.messages["D"].remove.split()
        order = [field for field in order if str(field[0]) not in removed]
    quotes = [(262, "m"), (263, "1"), (264, "1"), (267, SIDES), (146, [instrument])]
    for kind, fields in (("D", order), ("V", quotes)):
        assert dialect.dictionary.validate(message(dialect, kind, fields)) is None
        wrong = message(dialect, kind, [*fields, (717, "1")])
        assert dialect.dictionary.validate(wrong) is not None
