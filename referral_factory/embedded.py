"""The PostgreSQL that comes with the project, for when DATABASE_URL is unset.

Importing this starts nothing. `manage.py postgres start|stop|status|psql` does.
"""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = BASE_DIR / "var"


def data_dir() -> Path:
    return STATE_DIR / "postgres"


def socket_dir() -> Path:
    """Where the server listens: no TCP port, nothing that another user can reach."""
    return data_dir()
