"""How API keys look from outside."""

from rest_framework import serializers

from referral_factory.access.models import ApiKey
from referral_factory.access.services import ALL_SCOPES
from referral_factory.wire import IdField, MomentField, StrictSerializer, TextField


class KeySerializer(serializers.ModelSerializer[ApiKey]):
    id = IdField("key")
    campaigns = serializers.ListField(child=IdField("cmp"), source="campaign_ids")
    created_at = MomentField()
    expires_at = MomentField()
    revoked_at = MomentField()
    last_used_at = MomentField()

    class Meta:
        model = ApiKey
        fields: tuple[str, ...] = (
            "id",
            "name",
            "mode",
            "start",
            "scopes",
            "campaigns",
            "created_at",
            "expires_at",
            "revoked_at",
            "last_used_at",
        )
        read_only_fields = fields


class MadeKeySerializer(KeySerializer):
    """A key as the answer that makes it shows it: the secret is in `context`."""

    secret = serializers.SerializerMethodField()

    class Meta(KeySerializer.Meta):
        fields = (*KeySerializer.Meta.fields, "secret")
        read_only_fields = fields

    def get_secret(self, key: ApiKey) -> str:
        return str(self.context["secret"])


class NewKeySerializer(StrictSerializer):
    name = TextField(200)
    mode = serializers.ChoiceField(ApiKey.Mode.choices, required=False)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(ALL_SCOPES), allow_empty=False, max_length=50
    )
    campaigns = serializers.ListField(
        child=IdField("cmp"), required=False, max_length=200, source="campaign_ids"
    )
    expires_at = MomentField(required=False, allow_null=True)
