from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "referral_factory.access"
