from django.apps import AppConfig


class BacktestsConfig(AppConfig):
    name = "referral_factory.backtests"
