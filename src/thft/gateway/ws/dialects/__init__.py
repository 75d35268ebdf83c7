"""One venue a module: what is subscribed there and what its messages mean; named by `venues`."""
