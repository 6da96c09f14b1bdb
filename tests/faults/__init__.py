"""Faults: what can go wrong, what is promised then, and which tests hold it. Takes the marker
`fault` of tests; gives docs/faults.md, and a table of a run (`make faults`)."""
