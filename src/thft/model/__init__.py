"""Values, events and the codec every other room shares; called by all rooms above it."""
