"""Events from a queue that the customer already runs: taken, recorded, acknowledged."""
