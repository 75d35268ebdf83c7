"""FIX 4.4 without I/O: reading and writing messages, the dictionary; used by gateways and sim."""
