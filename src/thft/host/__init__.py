"""The only readers of clock, entropy, signals and the operating system; called by core, api, cli."""
