"""Consumer groups: what one offers, one over a log of this machine, and what each has taken."""
