"""What a configuration says of symbols: their spelling at a venue and what is dealt under it."""
