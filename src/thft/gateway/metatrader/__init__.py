"""MetaTrader accounts: Expert Advisors dial in, the engine trades through them; made by core."""
