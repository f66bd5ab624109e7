"""Rewards for staff: all of them, and those that wait for a person."""

from rewards.admin.queue import FlaggedRewardAdmin
from rewards.admin.rewards import RewardAdmin
from rewards.admin.rules import RewardRuleAdmin

__all__ = ["FlaggedRewardAdmin", "RewardAdmin", "RewardRuleAdmin"]
