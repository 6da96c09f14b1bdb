"""What came out, told: the words, the terminal's table, Markdown and HTML, the diff of a file."""
