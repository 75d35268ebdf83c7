"""History of a MetaTrader account for whoever asks: `desk` asks the EA, `door` serves programs."""
