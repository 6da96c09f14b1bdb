"""Turn an audit, facts of hosts and compared images into text: the terminal's table, JSON, Markdown
and HTML. Records and findings come in; text that is safe to show goes out."""
