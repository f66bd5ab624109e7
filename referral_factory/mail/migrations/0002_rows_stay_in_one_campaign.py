from django.db import migrations

from referral_factory.campaign_keys import stays_in_its_campaign


class Migration(migrations.Migration):
    dependencies = [
        ("mail", "0001_emails_and_their_templates"),
        ("referrals", "0002_rows_stay_in_one_campaign"),
    ]

    operations = [
        stays_in_its_campaign("mail_email", "participant", "referrals_participant"),
    ]
