"""A voter at the command line: the whole of a client's duty, over the same interface as the voter's page."""
