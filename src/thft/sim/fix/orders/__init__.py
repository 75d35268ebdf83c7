"""Orders and positions of a simulated venue and what it says about them; owned by `fix_lp`."""
