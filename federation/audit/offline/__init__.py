"""What goes into a bundle for the evaluator: programs that need nothing of ours, and the words on the lid."""
