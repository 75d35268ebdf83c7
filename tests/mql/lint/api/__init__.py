"""What each dialect's compiler knows by itself; `table.py` reads the lists beside it."""
