"""The trading process: configuration, wiring and loop; started by cli."""
