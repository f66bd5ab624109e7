from django.apps import AppConfig


class RewardsConfig(AppConfig):
    name = "rewards"

    def ready(self) -> None:
        # These import models, so not before the registry is filled.
        from referrals import checklist, timelines
        from referrals.signals import (
            campaign_copied,
            participant_erased,
            participant_merged,
            referral_disqualified,
            referral_qualified,
            referral_reversed,
        )
        from rewards import receivers
        from rewards.readiness import reward_rule_item
        from rewards.telling import entries_of

        checklist.register(reward_rule_item)
        timelines.register(entries_of)
        referral_qualified.connect(
            receivers.on_referral_qualified, dispatch_uid="rewards.grant"
        )
        referral_disqualified.connect(
            receivers.on_referral_disqualified, dispatch_uid="rewards.take_back"
        )
        referral_reversed.connect(
            receivers.on_referral_reversed, dispatch_uid="rewards.doubt"
        )
        campaign_copied.connect(
            receivers.on_campaign_copied, dispatch_uid="rewards.copy"
        )
        participant_erased.connect(
            receivers.on_participant_erased, dispatch_uid="rewards.forget"
        )
        participant_merged.connect(
            receivers.on_participant_merged, dispatch_uid="rewards.move"
        )
