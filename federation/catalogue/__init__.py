"""The catalogue for people: what a dataset is, and what made-up rows of it look like. No row was read to write it."""
