"""The experiment with shared caches."""
