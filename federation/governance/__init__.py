"""Who is who, who may what, and what was agreed."""
