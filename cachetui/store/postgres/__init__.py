"""A store's entries in PostgreSQL, for a team: `--store postgresql://…`. The only room that imports
psycopg, which the extra `cachetui[postgres]` brings."""
