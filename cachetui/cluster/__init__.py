"""Hosts audited by other processes, of this machine or of a Dask cluster near the hosts. In go the
hosts of an audit, out comes what each worker tells of them: runs, reports, progress."""
