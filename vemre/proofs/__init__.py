"""Zero-knowledge proofs. What verifies stands here; what proves, and so sees secrets, in `vemre.proofs.prove`."""
