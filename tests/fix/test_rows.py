"""Every row of the checklist has a test in each role it applies to, and is named beside it.

A script names its rows before the colon of its title. What a script cannot show is a test of its
own, listed here, whose docstring names the row.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from tests.fix.test_scenarios import ACCEPTOR, ECHO, EITHER, INITIATOR

TESTS = Path(__file__).parents[1]
SCRIPTS = {"acceptor": ECHO | ACCEPTOR, "initiator": EITHER | INITIATOR}
COUNTS = {"CON": 19, "SEQ": 15, "RSD": 13, "SQR": 10, "HB": 7, "OUT": 7, "HDR": 10, "OPT": 10}
REASONS = (0, 1, 2, 4, 5, 6, 9, 10, 11, 13, 14, 15, 16)
"""SessionRejectReasons that are given; 3, 7, 8 and 12 never are."""


def numbered(prefix: str, last: int) -> set[str]:
    return {f"{prefix}-{number}" for number in range(1, last + 1)}


BOTH = set().union(*(numbered(one, last) for one, last in COUNTS.items() if one != "CON")) | {
    f"4-{reason}" for reason in REASONS
}
ROWS = {
    "acceptor": BOTH | numbered("CON", COUNTS["CON"]),
    "initiator": BOTH | numbered("INI", 13),
    "bytes": numbered("1.1", 7) | numbered("1.2", 5),
}
ROW = re.compile(r"\b(?:CON|SEQ|RSD|SQR|HB|OUT|HDR|OPT|INI|4|1\.1|1\.2)-\d+\b")

ELSEWHERE: dict[str, dict[str, str]] = {
    "acceptor": {
        "CON-9": "fix/test_programs.py:test_second_connection_with_a_live_identity",
        "CON-18": "fix/test_acceptor.py:test_a_wrong_password",
        "CON-19": "fix/test_schedule.py:test_logon_outside_the_schedule",
        "RSD-11": "fix/test_programs.py:test_many_messages_in_one_write_and_all_again",
        "HB-7": "fix/test_acceptor.py:test_timers_go_by_the_monotonic_clock",
        "OUT-7": "fix/test_link.py:test_a_slow_peer_is_cut",
        "OPT-10": "fix/test_schedule.py:test_the_end_of_a_window_and_the_next",
    },
    "initiator": {
        "RSD-11": "fix/test_drive.py:test_many_messages_in_one_write_and_all_again",
        "HB-7": "fix/test_acceptor.py:test_timers_go_by_the_monotonic_clock",
        "OUT-7": "fix/test_link.py:test_a_slow_peer_is_cut",
        "OPT-10": "fix/test_schedule.py:test_the_end_of_an_initiators_window_and_the_next",
        "INI-6": "fix/test_initiator.py:test_pauses_grow",
    },
    "bytes": {
        "1.1-1": "unit/fix/test_framing.py:test_bytes_before_a_message_are_skipped_and_counted",
        "1.1-2": "unit/fix/test_framing.py:test_a_length_too_short_loses_one_message",
        "1.1-3": "unit/fix/test_framing.py:"
        "test_a_length_too_long_swallows_the_next_message_with_it",
        "1.1-4": "unit/fix/test_framing.py:test_a_message_above_the_limit_ends_the_stream",
        "1.1-5": "unit/fix/test_framing.py:test_data_may_contain_what_looks_like_a_message",
        "1.1-6": "unit/fix/test_framing.py:test_pieces_of_any_size_give_the_same_units",
        "1.1-7": "unit/fix/test_framing.py:test_the_checksum_is_three_figures_that_fit",
        "1.2-1": "unit/fix/test_values.py:test_fields_go_out_in_order_with_groups_in_place",
        "1.2-3": "unit/fix/test_values.py:test_times_go_out_in_every_precision",
    },
}


def titled(titles: list[str]) -> set[str]:
    """Returns the rows that titles name."""
    return {row for title in titles for row in ROW.findall(title.partition(":")[0])}


def missing(role: str, titles: list[str]) -> set[str]:
    """Returns the rows of a role that neither a script nor a listed test shows."""
    return ROWS[role] - titled(titles) - ELSEWHERE[role].keys()


@pytest.mark.parametrize("role", ROWS)
def test_every_row_has_a_test(role: str) -> None:
    scripts = SCRIPTS.get(role, ECHO)
    assert not missing(role, list(scripts)), sorted(missing(role, list(scripts)))


@pytest.mark.parametrize("role", SCRIPTS)
def test_a_row_without_its_scripts_is_noticed(role: str) -> None:
    for row in ROWS[role] - ELSEWHERE[role].keys():
        others = [title for title in SCRIPTS[role] if row not in titled([title])]
        assert row in missing(role, others)


def test_titles_name_rows_that_exist() -> None:
    known = set().union(*ROWS.values())
    for scripts in SCRIPTS.values():
        assert titled(list(scripts)) <= known, sorted(titled(list(scripts)) - known)


@pytest.mark.parametrize(
    ("row", "place"), [(row, place) for part in ELSEWHERE.values() for row, place in part.items()]
)
def test_a_listed_test_names_its_row(row: str, place: str) -> None:
    file, _, name = place.partition(":")
    tree = ast.parse((TESTS / file).read_text())
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    assert found, f"no {name} in {file}"
    assert row in ROW.findall(ast.get_docstring(found[0]) or "")
