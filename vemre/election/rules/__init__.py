"""The rules of the protocol, each stated once, over any prefix of an election."""
