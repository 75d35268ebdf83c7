"""What every room may use: errors, frames, generators; pure, imports nothing of thft above it."""
