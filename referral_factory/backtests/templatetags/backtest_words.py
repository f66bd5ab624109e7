"""How pages about backtests write rules and differences."""

from typing import Any

from django import template

from referral_factory.templatetags.admin_words import NOTHING

register = template.Library()


@register.filter
def as_rule(value: Any) -> str:
    """What a rule asks for; a dash where it asks for nothing."""
    if isinstance(value, list):
        value = ", ".join(str(each) for each in value)
    return NOTHING if value in {None, ""} else str(value)


@register.filter
def more_than(tried: int, really: int) -> str:
    """With its sign, or a dash where it is the same."""
    more = tried - really
    if not more:
        return NOTHING
    return f"+{more:,}" if more > 0 else f"\N{MINUS SIGN}{-more:,}"
