"""``python -m vemre.cli`` is the `vemre` command."""

from vemre.cli.main import main

main()
