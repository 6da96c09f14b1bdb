"""What is kept on disk: audits, runs, logs, manifests and proofs, looked up by what they were a run
of. What is damaged is set aside and never fatal."""
