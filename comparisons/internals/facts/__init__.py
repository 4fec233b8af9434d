"""The facts, a file for each area; a framework is imported inside their experiments only."""
