from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "referral_factory.mail"
    verbose_name = "E-mail"

    def ready(self) -> None:
        # These import models, so not before the registry is filled.
        from referral_factory.mail import receivers
        from referrals import signals
        from rewards.signals import reward_issued

        signals.join_requested.connect(
            receivers.on_join_requested, dispatch_uid="mail.confirmation"
        )
        signals.participant_created.connect(
            receivers.on_participant_created, dispatch_uid="mail.welcome"
        )
        reward_issued.connect(receivers.on_reward_issued, dispatch_uid="mail.reward")
        signals.campaign_copied.connect(
            receivers.on_campaign_copied, dispatch_uid="mail.copy"
        )
        signals.participant_erased.connect(
            receivers.on_participant_erased, dispatch_uid="mail.erased"
        )
