from django.db import migrations

from referral_factory.campaign_keys import stays_in_its_campaign


class Migration(migrations.Migration):
    dependencies = [("referrals", "0001_initial")]

    operations = [
        stays_in_its_campaign(
            "referrals_referral", "advocate", "referrals_participant"
        ),
        stays_in_its_campaign("referrals_referral", "friend", "referrals_participant"),
        stays_in_its_campaign(
            "referrals_event", "participant", "referrals_participant"
        ),
        stays_in_its_campaign("referrals_event", "referral", "referrals_referral"),
    ]
