"""The dictionary: what it refuses and why, its switches, its overlays, its tables."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tests.shared_files import needs, shared_file
from tests.unit.fix.frames import fed, framed, message

from thft.base.errors import LocalError
from thft.fix.dictionary import Dictionary, fix44
from thft.fix.fix44.notation import walk
from thft.fix.terms import REJECT_TEXTS, Checks, Reject
from thft.fix.wire import BadGroup, Message, pack

CTRADER = "fix/ctrader_fix44_messages.fix"
HEAD = "34=2|49=TW|52=20260302-09:15:00.120|56=ISLD|"
ORDER = "11=ID|21=1|38=002000.00|40=1|54=1|55=INTC|60=20260302-09:15:00|"
SPOT = "55=1|268=2|269=0|270=1.1|269=1|270=1.2|"


def verdict(kind: str, body: str, head: str = HEAD, **switches: bool) -> Reject | None:
    return fix44().validate(message(f"35={kind}|{head}{body}"), Checks(**switches))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("0", ""),
        ("0", "112=x|"),
        ("A", "98=0|108=30|141=Y|553=u|554=p|"),
        ("2", "7=1|16=0|"),
        ("3", "45=2|58=Invalid tag number|371=-1|372=D|373=0|"),
        ("D", ORDER),
        ("D", "60=20260302-09:15:00|55=INTC|54=1|40=1|38=1|11=ID|"),
        ("D", ORDER + "454=0|"),
        ("D", ORDER + "386=1|336=PRE|"),
        ("D", ORDER + "453=2|448=A|447=D|452=1|802=2|523=x|523=y|803=4000|448=B|"),
        ("D", ORDER + "18=1 G|"),
        ("D", ORDER + "167=FOR|126=99991231-23:59:60|200=202603|"),
        ("D", ORDER + "354=3|355=a=b|"),
        ("W", SPOT),
        ("X", "268=2|279=0|269=0|278=901|55=1|270=1.1|279=2|278=887|55=1|"),
        ("E", "66=L|394=1|"),
        ("AE", "571=1|570=N|55=1|32=1|31=1.1|75=20260302|60=20260302-09:15:00|"
               "552=1|54=1|37=O|453=1|448=A|78=1|79=acc|756=1|757=P|80=5|"),
    ],
)  # fmt: skip
def test_good_messages_pass(kind: str, body: str) -> None:
    assert verdict(kind, body) is None


def refused(reason: int, tag: str | None, text: str = "") -> Reject:
    return Reject(reason, tag, text or REJECT_TEXTS[reason])


def no_delimiter(group: int, delimiter: int) -> str:
    return f"The group {group} must set the delimiter field {delimiter}"


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("D", ORDER + "999=x|", refused(0, "999")),
        ("D", ORDER + "0=x|", refused(0, "0")),
        ("D", ORDER + "-1=x|", refused(0, "-1")),
        ("D", ORDER + "5000=x|", refused(0, "5000")),
        ("D", ORDER + "00999=x|", refused(0, "00999")),
        ("D", ORDER + "99999999999999999999=x|", refused(0, "99999999999999999999")),
        ("D", ORDER.replace("11=ID|", ""), refused(1, "11")),
        ("D", ORDER.replace("55=INTC|", ""), refused(1, "55")),
        ("W", SPOT.replace("269=1|", ""), refused(15, "270")),
        ("X", "268=1|269=0|55=1|", refused(15, "269", no_delimiter(268, 279))),
        ("V", "262=a|263=1|264=1|267=1|269=0|", refused(1, "146")),
        ("0", "55=INTC|", refused(2, "55")),
        ("D", ORDER + "115=|", refused(14, "115")),
        ("D", ORDER.replace("11=ID|", "11=|"), refused(4, "11")),
        ("D", ORDER.replace("21=1", "21=4"), refused(5, "21")),
        ("D", ORDER.replace("40=1", "40=w"), refused(5, "40")),
        ("D", ORDER + "167=BOO|", refused(5, "167")),
        ("D", ORDER + "18=1 ?|", refused(5, "18")),
        ("D", ORDER + "453=1|448=A|452=23|", refused(5, "452")),
        ("D", ORDER.replace("38=0", "38=+0"), refused(6, "38")),
        ("D", ORDER.replace("38=0", "38=1e"), refused(6, "38")),
        ("D", ORDER + "126=20040415|", refused(6, "126")),
        ("D", ORDER + "126=20260302-09:15:00.123456789012345|", refused(6, "126")),
        ("D", ORDER + "432=20260230|", refused(6, "432")),
        ("D", ORDER + "200=202613|", refused(6, "200")),
        ("D", ORDER + "114=y|", refused(6, "114")),
        ("D", ORDER.replace("54=1", "54=12"), refused(6, "54")),
        ("D", ORDER + "453=-1|", refused(6, "453")),
        ("D", ORDER + "453=x|", refused(6, "453")),
        ("A", "98=0|108=1.5|", refused(6, "108")),
        ("2", "7=-1|16=0|", refused(6, "7")),
        ("W", SPOT + "273=24:00:00|", refused(6, "273")),
        ("W", SPOT.replace("270=1.1", "270=1.1|273=24:00:00"), refused(6, "273")),
        ("*", "", refused(11, None)),
        ("ZZ", ORDER, refused(11, None)),
        ("", ORDER, refused(4, "35")),
        ("D", ORDER + "40=1|", refused(13, "40")),
        ("D", ORDER + "49=TW|", refused(14, "49")),
        ("D", ORDER + "10=000|58=t|", refused(14, "58")),
        ("D", ORDER + "453=1|448=A|452=1|447=D|", refused(15, "447")),
        ("D", ORDER + "453=1|448=A|447=D|447=D|", refused(15, "447")),
        ("D", ORDER + "453=1|448=A|15=EUR|447=D|", refused(15, "447")),
        ("D", ORDER + "453=1|448=A|802=1|803=1|523=x|", refused(15, "803", no_delimiter(802, 523))),
        ("D", ORDER + "448=A|", refused(15, "448")),
        ("D", ORDER + "386=3|336=PRE|336=AFTER|", refused(16, "386")),
        ("D", ORDER + "386=0|336=PRE|", refused(16, "386")),
        ("D", ORDER + "453=1|448=A|802=2|523=x|448=B|", refused(16, "802")),
        ("D", ORDER + "453=999999999999999999|448=A|", refused(16, "453")),
        ("D", ORDER + "386=2|336=PRE|999=x|336=AFTER|", refused(0, "999")),
        ("E", "999=x|", refused(0, "999")),
        ("E", "54=w|", refused(5, "54")),
    ],
)  # fmt: skip
def test_each_fault_has_its_reason(kind: str, body: str, expected: Reject) -> None:
    assert verdict(kind, body) == expected


def test_header_faults() -> None:
    assert verdict("D", ORDER, HEAD.replace("56=ISLD|", "")) == refused(1, "56")
    assert verdict("D", ORDER, HEAD.replace("56=ISLD", "56=")) == refused(4, "56")
    assert verdict("D", ORDER, HEAD + "115=|") == refused(4, "115")
    assert verdict("0", "", HEAD + "34=2|") == refused(13, "34")
    assert verdict("0", "", HEAD + "627=1|629=x|628=H|")[:2] == (15, "629")  # type: ignore[index]
    assert verdict("0", "", HEAD + "627=2|628=H|630=1|628=I|") is None
    assert verdict("0", "", HEAD.replace("120|", "1|")) == refused(6, "52")


def test_each_rule_has_a_switch() -> None:
    assert verdict("D", ORDER.replace("11=ID|", "11=|"), values=False) is None
    assert verdict("D", ORDER + "453=|", values=False) is None
    assert verdict("", ORDER, values=False) == refused(11, None)
    assert verdict("D", ORDER.replace("40=1", "40=w"), enums=False) is None
    assert verdict("D", ORDER + "49=TW|".replace("49", "116"), order=False) is None
    assert verdict("D", ORDER.replace("11=ID|", ""), required=False) is None
    assert verdict("D", ORDER + "999=x|728=0|", unknown=False) is None
    assert verdict("D", ORDER + "0=x|", unknown=False, user=False) == refused(0, "0")
    assert verdict("D", ORDER + "5000=x|", unknown=False) == refused(0, "5000")
    assert verdict("D", ORDER + "5000=x|", user=False) is None
    assert verdict("0", "5000=x|", HEAD.replace("49", "9000=y|49"), user=False) is None
    assert verdict("W", SPOT.replace("270=1.1", "270=1.1|9000=y"), user=False) is None
    assert verdict("W", SPOT.replace("270=1.1", "270=1.1|999=y|721=z"), unknown=False) is None


OVERLAY = {
    "fields": {
        "1007": {"name": "SymbolName", "type": "STRING"},
        "1008": {"name": "SymbolDigits", "type": "INT"},
        "9016": {"name": "NoParams", "type": "NUMINGROUP"},
        "9017": {"name": "ParamName", "type": "STRING"},
        "40": {"add_values": "Z=Venue", "remove_values": "P"},
        "59": {"values": "1=GoodTillCancel 3=ImmediateOrCancel"},
    },
    "parts": {"Instrument": {"optional": "55", "add": "9017"}},
    "messages": {
        "y": {"groups": {"146": {"add": "1007 1008", "remove": "454"}}},
        "8": {"add": "721", "optional": "17 6"},
        "j": {"optional": "372", "required": "58"},
        "AP": {
            "remove": "702",
            "add": "702 704 705",
            "optional": "715 1 581 731 734 753",
        },
        "U1": {"name": "Parameters", "body": "320! 9016[9017]"},
    },
}


@pytest.fixture(scope="module")
def dialect() -> Dictionary:
    return fix44().with_overlay(OVERLAY)


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("D", ORDER.replace("40=1", "40=Z"), None),
        ("D", ORDER.replace("40=1", "40=P"), refused(5, "40")),
        ("D", ORDER + "59=3|", None),
        ("D", ORDER + "59=0|", refused(5, "59")),
        ("D", ORDER.replace("55=INTC|", "48=4001|9017=x|"), None),
        ("y", "320=a|322=b|560=0|146=2|55=1|1007=EURUSD|1008=5|55=2|1008=x|", refused(6, "1008")),
        ("y", "320=a|322=b|560=0|146=1|55=1|454=0|", refused(2, "454")),
        ("j", "380=0|", refused(1, "58")),
        ("U1", "320=a|9016=2|9017=x|9017=y|", None),
        ("U1", "9016=0|", refused(1, "320")),
        ("0", "9017=x|", refused(2, "9017")),
    ],
)
def test_an_overlay_changes_the_rules(
    dialect: Dictionary, kind: str, body: str, expected: Reject | None
) -> None:
    assert dialect.validate(message(f"35={kind}|{HEAD}{body}")) == expected


def test_an_overlay_leaves_the_standard_alone(dialect: Dictionary) -> None:
    assert verdict("D", ORDER.replace("40=1", "40=Z")) == refused(5, "40")
    assert dialect.names["U1"] == "Parameters" and "U1" not in fix44().names
    assert dialect.value_name(40, "Z") == "Venue"
    assert dialect.tag("SymbolName") == 1007


@needs(CTRADER)
def test_recorded_venue_messages_pass_with_the_venues_overlay(dialect: Dictionary) -> None:
    units = fed(shared_file(CTRADER).read_bytes())
    standard: Counter[tuple[str, int]] = Counter()
    for unit in units:
        assert isinstance(unit, Message)
        assert dialect.validate(unit) is None, unit
        if reject := fix44().validate(unit):
            standard[unit.type, reject.reason] += 1
    assert len(units) == 22
    assert standard == {("y", 0): 1, ("8", 2): 6, ("j", 1): 1, ("AP", 15): 4}


@pytest.mark.parametrize(
    ("overlay", "words"),
    [
        ({"feilds": {}}, "no key 'feilds'"),
        ({"fields": {"x": {}}}, "'x' is no tag"),
        ({"fields": {"1007": {"name": "SymbolName"}}}, "fields.1007: a new field has a name and"),
        ({"fields": {"1007": {"name": "S", "type": "WORD"}}}, "no type 'WORD'"),
        ({"fields": {"40": {"value": "1=x"}}}, "fields.40: no key 'value'"),
        ({"fields": {"40": {"values": "1"}}}, "'1' is no value with its name"),
        ({"fields": {"40": {"remove_values": "z"}}}, "fields.40: no value 'z' to remove"),
        ({"parts": {"Instrumnt": {}}}, "no part 'Instrumnt'"),
        ({"messages": {"D": {"ad": "1"}}}, "messages.D: no key 'ad'"),
        ({"messages": {"D": {"add": "1007"}}}, "D: tag 1007 is no field"),
        ({"messages": {"D": {"add": "38"}}}, "messages.D: tag 38 is there already"),
        ({"messages": {"D": {"add": "720[2"}}}, "a bracket is open"),
        ({"messages": {"D": {"add": "720]"}}}, "is no notation"),
        ({"messages": {"D": {"add": "720[721]"}}}, "D: tag 720 is no count"),
        ({"messages": {"D": {"add": "@Nothing"}}}, "Nothing"),
        ({"messages": {"D": {"remove": "720"}}}, "messages.D: no tag 720 to change"),
        ({"messages": {"D": {"required": "a"}}}, "'a' is no list of tags"),
        ({"messages": {"D": {"groups": {"268": {}}}}}, "messages.D.groups.268: no such group"),
    ],
)
def test_a_wrong_overlay_names_its_key(overlay: Any, words: str) -> None:
    with pytest.raises(LocalError, match=words):
        fix44().with_overlay(overlay)


def test_layouts_and_groups_end_where_the_dictionary_says() -> None:
    spec = [(453, [(448, "text"), (802, [(523, "text")])])]
    text = f"35=D|{HEAD}{ORDER}453=2|448=A|802=1|523=x|9999=?|448=B|58=t|448=C|"
    unit = message(text)
    layout = fix44().layout("D", spec)
    assert layout.extract(unit) == ((("A", (("x",),)), ("B", None)),)
    entries = unit.groups(fix44().group("D", 453))
    assert [entry.text(448) for entry in entries] == ["A", "B"]
    assert entries[0].groups(fix44().group("D", 802))[0].fields() == [(523, b"x"), (9999, b"?")]
    with pytest.raises(LocalError, match="message D has no repeating group 268"):
        fix44().layout("D", [(268, [(269, "char")])])


def test_a_body_comes_back_nested_and_goes_out_sorted() -> None:
    body = "58=t|386=2|336=PRE|336=AFTER|453=1|448=A|447=D|802=1|523=x|803=1|38=002000.00|454=0|"
    unit = message(f"35=D|{HEAD}97=Y|{body}")
    nested = fix44().body(unit)
    assert pack(nested).replace(b"\x01", b"|").decode() == (
        "38=002000.00|58=t|386=2|336=PRE|336=AFTER|453=1|448=A|447=D|802=1|523=x|803=1|454=0|"
    )
    with pytest.raises(BadGroup):
        fix44().body(message(f"35=D|{HEAD}386=3|336=PRE|"))


def test_names() -> None:
    standard = fix44()
    assert (standard.field_name(54), standard.value_name(54, "1")) == ("Side", "Buy")
    assert (standard.field_name(5000), standard.value_name(54, "?")) == (None, None)
    assert standard.tag("OrderQty") == 38
    assert standard.names["AE"] == "TradeCaptureReport"
    with pytest.raises(LocalError, match="no field is named 'OrderQuantity'"):
        standard.tag("OrderQuantity")


def test_the_tables_are_whole() -> None:
    """No tag twice on one level, no group twice in a message, all fields described."""
    standard = fix44()
    assert len(standard.fields) == 914 and len(standard.names) == 93
    around = (*standard.part("Header"), *standard.part("Trailer"))
    for kind in standard.names:
        items = standard.items(kind)
        levels = [(*around, *items)]
        while levels:
            level = levels.pop()
            twice = [tag for tag, count in Counter(item.tag for item in level).items() if count > 1]
            assert not twice, (kind, twice)
            levels += [item.members for item in level if item.members]
        counts = [item.tag for item in walk(items) if item.members]
        assert len(counts) == len(set(counts)), kind


def test_values_have_the_format_of_their_field() -> None:
    long = [
        (tag, value)
        for tag, field in fix44().fields.items()
        for value in field.values
        if field.type in ("CHAR", "BOOLEAN") and len(value) != 1
    ]
    assert long == []
    (mass_cancel_report,) = fed(framed(f"35=r|{HEAD}37=1|530=7|531=0|532=99|"))
    assert isinstance(mass_cancel_report, Message)
    assert fix44().validate(mass_cancel_report) is None


def test_validation_reads_raw_frames_only() -> None:
    (unit,) = fed(framed(f"35=D|{HEAD}{ORDER}"))
    assert isinstance(unit, Message)
    assert fix44().validate(unit) is None
