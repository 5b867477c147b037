"""The `vemre` command and what all its subcommands share.

A package adds commands by an entry point in the group ``vemre.commands`` whose name is the subcommand and whose value
is a `command.Command` or `command.Group`. Commands raise typed errors, print through `console`, and return their exit
code: 0 valid or done, 1 invalid or refused, 2 could not decide (usage, files, network). None prints a trace.
"""
