"""E-mail to the people of a campaign: confirmations, welcomes, notices of rewards.

It composes, like reporting: it needs referrals and rewards, and neither of them knows
of it. It hears their signals, writes a row for each message in their transaction
(outbox), and sends them from a worker (sending).
"""
