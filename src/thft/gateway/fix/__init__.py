"""The FIX client of one venue: both its sessions, quotes, orders; made by core, which it serves."""
