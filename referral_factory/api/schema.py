"""The OpenAPI document: what each route needs and answers, beyond its fields."""

from drf_spectacular.openapi import AutoSchema as SpectacularSchema


class AutoSchema(SpectacularSchema):
    """Adds what all routes have in common."""
