"""Settings: hosts.toml and what can be suggested for it. A file goes in, typed settings come out,
or one `ConfigError` that names the file, the table, the key and what would be right."""
