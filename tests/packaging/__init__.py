"""What is published: an sdist, and the wheel that is built from it."""
