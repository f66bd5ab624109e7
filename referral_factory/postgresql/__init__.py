"""Django's PostgreSQL backend, for requests that must be quick."""
