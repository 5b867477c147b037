"""VeMRE: verifiable Internet voting for Mexicans abroad, with two independent auditors."""

__version__ = "0.1.0"
