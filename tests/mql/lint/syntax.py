"""Parses masked code and says where it is wrong: brackets first, then the C++ grammar.

`program.py` calls it. The brackets are matched here because the grammar's error nodes often begin
far above a missing one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter_cpp
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_cpp.language()))
_PAIRS = {")": "(", "]": "[", "}": "{"}
_MARK = re.compile(r"[()\[\]{};\n]|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|\bfor\s*(?=\()")


def parse(code: str) -> Node:
    """The tree of `code`."""
    return _PARSER.parse(code.encode()).root_node


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order of the text."""
    yield node
    for child in node.children:
        yield from walk(child)


def text(node: Node) -> str:
    """What stands in the code."""
    return (node.text or b"").decode()


def line(node: Node) -> int:
    """The line of a node's first letter, from 1."""
    return int(node.start_point[0]) + 1


def first_error(code: str, root: Node) -> tuple[int, str] | None:
    """Line and words of the first mistake in the form of `code`; None when there is none."""
    found = _bracket_error(code)
    if found is not None or not root.has_error:
        return found
    for node in walk(root):
        if node.is_missing:
            return line(node), f"`{node.type}` is missing here"
        if node.type == "ERROR":
            words = text(node).split("\n")[0].strip()[:40]
            return line(node), f"not understood: `{words}` — MetaEditor may not take it either"
    return 1, "not understood"


def _bracket_error(code: str) -> tuple[int, str] | None:
    """Where brackets do not match: at a stray closing one, or at an opening one left open."""
    stack: list[tuple[str, int, int]] = []
    number, statement, loops = 1, 1, False
    for match in _MARK.finditer(code):
        mark = match[0]
        number_here = number
        number += mark.count("\n")
        if mark.startswith("for"):
            loops = True
        elif mark in "([{":
            if mark == "{" and stack and stack[-1][0] != "{":
                return _left_open(stack[-1], number_here)
            stack.append((mark, number_here, 2 if loops and mark == "(" else 0))
            loops = False
        elif mark in _PAIRS:
            if not stack or stack[-1][0] != _PAIRS[mark]:
                if mark == "}" and stack:
                    return _left_open(stack[-1], number_here)
                began = f"; the statement begins in line {statement}"
                return number_here, f"`{mark}` closes nothing{began if mark != '}' else ''}"
            stack.pop()
        elif mark == ";" and stack and stack[-1][0] != "{":
            kind, opened, left = stack.pop()
            if not left:
                return _left_open((kind, opened, 0), number_here)
            stack.append((kind, opened, left - 1))
        if mark in ("{", "}", ";"):
            statement = number
    return _left_open(stack[-1], number) if stack else None


def _left_open(opened: tuple[str, int, int], number: int) -> tuple[int, str]:
    return opened[1], f"`{opened[0]}` is still open in line {number} — close it"
