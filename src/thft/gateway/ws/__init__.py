"""Market data by WebSocket: the life of a feed, and one dialect a venue; made by core."""
