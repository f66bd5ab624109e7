"""Django system checks: a bad setting explains itself at start."""
