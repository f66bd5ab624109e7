from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The project itself as an app, so that its commands and checks are found."""

    name = "referral_factory"
    label = "project"

    def ready(self) -> None:
        from referral_factory import checks  # noqa: F401  (registers them)
