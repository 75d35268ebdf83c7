"""What stays of a log when its oldest segments go: root, archive, and the removal itself."""
