"""The tally service: the log of everything from the manifest to the certification, and the tally's own acts.

It holds no part of the key. Trustees, mixers, auditors and the authority send it signed records; it checks each with
everything before it, collects the shares of drills, counts what was decrypted, and says what is due and by whom.
"""
