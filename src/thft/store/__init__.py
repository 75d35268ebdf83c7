"""The SQL store: what people query, projected from the journal; written and read by the api."""
