"""The MetaTrader protocol without I/O, as docs/metatrader-protocol.md has it; used by both ends."""
