"""The `thft` program: one module per command; nothing imports it."""
