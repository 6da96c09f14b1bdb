"""What was observed: frozen, typed values that are kept as JSON and compared. Nothing here computes
a verdict; `document.Document` is the contract of `--format json`."""
