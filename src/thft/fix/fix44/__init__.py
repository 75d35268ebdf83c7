"""FIX 4.4 as tables: fields, their values, messages; read by `thft.fix.dictionary`."""
