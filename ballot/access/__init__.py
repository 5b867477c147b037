"""How voters come in: first access by a link, password and second factor, sessions, lock-out, recovery, passkeys.

Everything here is about accounts, which are pseudonyms; names are the registry's. Documented in docs/access.md.
"""
