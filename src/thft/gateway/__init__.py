"""Venue connections: bytes in, engine inputs out, and back; run by core."""
