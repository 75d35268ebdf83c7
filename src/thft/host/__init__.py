"""The only readers of clock, entropy, signals and the operating system; the processes call it."""
