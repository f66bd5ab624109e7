"""Reading files: bytes to rows, rows to people or events. Touches no database."""
