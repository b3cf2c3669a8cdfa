"""Joint training: what a department answers in a round, what the coordinator makes of the sums, and the model."""
