"""``python -m hcc_decide`` is the command line."""

from hcc_decide.cli import main

main()
