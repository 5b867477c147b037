"""The registry's web pages: applicants, officials and representatives of parties, without a script.

The pages are one more way to the acts that `registry.enrolling` and `registry.office` do, beside the HTTP interface of
programs. What a person may do and what is noted of it is decided there, never here.
"""
