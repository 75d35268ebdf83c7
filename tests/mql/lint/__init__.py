"""A linter that keeps `mql/` within what MetaEditor takes; `python -m tests.mql.lint` runs it.

It reads a subset of MQL4 and MQL5, made for these sources: what it does not know, it reports.
"""
