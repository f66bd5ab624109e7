"""Erasing a person: their data goes everywhere, the books stay."""

from referrals.services.tombstones import digest_of, erased_names

__all__ = ["digest_of", "erased_names"]
