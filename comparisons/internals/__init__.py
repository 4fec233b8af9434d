"""What frameworks really compute: facts, each an experiment that measures it on what is installed."""
