from django.db import migrations

from referral_factory.campaign_keys import stays_in_its_campaign

# After the row is written, not before: by then the unique index on the code has made
# this transaction wait for whoever had the code, and a fresh look sees what they did.
NOT_A_FORMER_CODE = """
CREATE FUNCTION refuse_former_code() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM referrals_formercode WHERE code = NEW.code) THEN
        RAISE unique_violation USING
            MESSAGE = 'code is nobody else''s former code',
            CONSTRAINT = 'code_is_not_a_former_code';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER code_is_not_a_former_code
    AFTER INSERT OR UPDATE OF code ON referrals_participant
    FOR EACH ROW EXECUTE FUNCTION refuse_former_code();
"""


class Migration(migrations.Migration):
    dependencies = [("referrals", "0004_enrolment_by_every_way")]

    operations = [
        stays_in_its_campaign(
            "referrals_invitation", "advocate", "referrals_participant"
        ),
        stays_in_its_campaign(
            "referrals_refusedclaim", "advocate", "referrals_participant"
        ),
        stays_in_its_campaign(
            "referrals_refusedclaim", "friend", "referrals_participant"
        ),
        stays_in_its_campaign(
            "referrals_participant", "merged_into", "referrals_participant"
        ),
        migrations.RunSQL(
            NOT_A_FORMER_CODE,
            "DROP TRIGGER code_is_not_a_former_code ON referrals_participant;"
            " DROP FUNCTION refuse_former_code()",
        ),
    ]
