"""Parses FIX messages with QuickFIX's Python binding, on request; run by `thft bench fix`.

Runs in an environment of its own, which has QuickFIX and not thft. Reads one JSON line
`{"dictionary": PATH, "messages": {TYPE: TEXT}}`, answers with what it reads of each, then answers
every line `TYPE COUNT` with the CPU ns that COUNT messages took.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import quickfix as fix

FLAT = {
    "D": [(11, str), (38, float), (40, str), (44, float), (54, str), (55, str)],
    "8": [
        (6, float), (11, str), (14, float), (17, str), (32, float), (37, str), (38, float),
        (39, str), (54, str), (55, str), (150, str), (151, float),
    ],
}  # fmt: skip
GROUPS = {
    "W": ([(55, str), (262, str)], [(269, str), (270, float), (271, float)]),
    "X": (
        [(262, str)],
        [(279, str), (269, str), (278, str), (55, str), (270, float), (271, float)],
    ),
}
COUNT_TAG = 268


def flat_parser(kind: str) -> Callable[[str], object]:
    """Returns the fastest way that the binding offers for a message without groups."""
    wanted = FLAT[kind]

    def parse(text: str) -> object:
        get = fix.Message(text, True).getField
        return [convert(get(tag)) for tag, convert in wanted]

    return parse


def group_parser(kind: str, dictionary: fix.DataDictionary) -> Callable[[str], object]:
    """Returns the same for a message with a group, which needs a dictionary to be told apart."""
    outer, members = GROUPS[kind]
    order = fix.IntArray(len(members) + 1)
    for at, (tag, _) in enumerate(members):
        order[at] = tag
    order[len(members)] = 0
    group = fix.Group(COUNT_TAG, members[0][0], order)

    def parse(text: str) -> object:
        message = fix.Message(text, dictionary, True)
        get, entries = message.getField, []
        for at in range(1, int(get(COUNT_TAG)) + 1):
            message.getGroup(at, group)
            inside = group.getField
            entries.append([convert(inside(tag)) for tag, convert in members])
        return [*(convert(get(tag)) for tag, convert in outer), entries]

    return parse


def main() -> None:
    task = json.loads(sys.stdin.readline())
    dictionary = fix.DataDictionary(task["dictionary"])
    texts = task["messages"]
    parsers = {kind: flat_parser(kind) for kind in FLAT}
    parsers |= {kind: group_parser(kind, dictionary) for kind in GROUPS}
    print(json.dumps({kind: parsers[kind](texts[kind]) for kind in texts}), flush=True)
    for line in sys.stdin:
        kind, count = line.split()
        parse, text, times = parsers[kind], texts[kind], int(count)
        began = time.process_time_ns()
        for _ in range(times):
            parse(text)
        print(time.process_time_ns() - began, flush=True)


if __name__ == "__main__":
    main()
