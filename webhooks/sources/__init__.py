"""Hearing from other systems: who says it, what it says, and what becomes of it."""
