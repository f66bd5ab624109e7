"""Reading files of people: bytes to rows, rows to persons. Touches no database."""
