"""The article, executable: its equations in plain NumPy, and nothing else."""
