import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("referrals", "0015_keep_each_reference_once"),
        ("rewards", "0003_who_may_review"),
    ]

    operations = [
        migrations.AlterField(
            model_name="reward",
            name="campaign",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rewards",
                to="referrals.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="reward",
            name="recipient",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rewards",
                to="referrals.participant",
            ),
        ),
        migrations.AlterField(
            model_name="reward",
            name="referral",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rewards",
                to="referrals.referral",
            ),
        ),
        migrations.AlterField(
            model_name="reward",
            name="rule",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rewards",
                to="rewards.rewardrule",
            ),
        ),
    ]
