"""Other rules tried on the past: who would have counted, why, and at what cost."""
