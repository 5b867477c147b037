"""Release and integrity: what was audited, and whether it is what runs."""
