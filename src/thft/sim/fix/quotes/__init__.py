"""Prices of a simulated venue and what it says about them; owned by `thft.sim.fix_lp`."""
