"""What can happen to rewards and to the rules that grant them.

One function per business operation. It opens the transaction, applies the rules, and
announces the result; views, admin actions and tasks call it and add nothing.
"""
