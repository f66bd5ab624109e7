from django.db import migrations

from referral_factory.campaign_keys import stays_in_its_campaign


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0001_initial"),
        ("referrals", "0002_rows_stay_in_one_campaign"),
    ]

    operations = [
        stays_in_its_campaign("rewards_reward", "referral", "referrals_referral"),
        stays_in_its_campaign("rewards_reward", "recipient", "referrals_participant"),
        stays_in_its_campaign("rewards_reward", "rule", "rewards_rewardrule"),
    ]
