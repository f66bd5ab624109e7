"""What can happen to campaigns, participants, referrals and events.

One function per business operation. It opens the transaction, applies the rules, and
announces the result; views, admin actions and tasks call it and add nothing.
"""
