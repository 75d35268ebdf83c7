"""Parts of the simulated liquidity providers; `thft.sim.fix_lp` puts them together."""
