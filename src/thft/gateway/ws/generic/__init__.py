"""The adapter of any JSON feed: what a mapping says, and the dialect that it makes."""
