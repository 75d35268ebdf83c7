"""What proves a venue's books, and when a book that was dropped is asked for again."""
