"""Hosts audited by the workers of a Dask cluster, each near its hosts. In go the hosts of an audit,
out comes what each worker tells of them: runs, reports, progress."""
