"""What the commands of the command line do: each reads as a recipe over the core."""
