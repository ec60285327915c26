"""`python -m pvtop`: the command."""

from pvtop.cli import main

main()
