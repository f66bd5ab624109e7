from django.apps import AppConfig


class ReportingConfig(AppConfig):
    name = "referral_factory.reporting"
