"""The pages that are for everybody: the enrolment page, and an advocate's own.

They stand above the apps because the portal shows referrals beside their rewards, and
because confirming on the one leads to the other.
"""
