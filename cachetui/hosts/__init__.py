"""One machine: reach it, run on it, put a folder on it. A fleet of them: limits and cancelling."""
