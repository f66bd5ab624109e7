import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("referrals", "0014_keep_the_rules_as_they_are"),
    ]

    operations = [
        migrations.AlterField(
            model_name="event",
            name="campaign",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="referrals.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="participant",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="referrals.participant",
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="referral",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="referrals.referral",
            ),
        ),
        migrations.AlterField(
            model_name="referral",
            name="advocate",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="referrals",
                to="referrals.participant",
            ),
        ),
        migrations.AlterField(
            model_name="referral",
            name="campaign",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="referrals",
                to="referrals.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="referral",
            name="friend",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="referred_by",
                to="referrals.participant",
            ),
        ),
        migrations.AlterField(
            model_name="referral",
            name="milestone_event",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="referrals.event",
            ),
        ),
    ]
