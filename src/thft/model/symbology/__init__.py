"""Which instrument a venue's spelling means, and what its volumes count; pure."""
