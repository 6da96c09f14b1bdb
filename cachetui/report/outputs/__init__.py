"""Show how images differ: the words, the terminal's table, Markdown and page, the diff of a file.
Comparisons of `cachetui.outputs` come in; cleaned text goes out."""
