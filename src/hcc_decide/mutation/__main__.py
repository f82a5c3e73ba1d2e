"""``python -m hcc_decide.mutation``."""

import sys

from hcc_decide.mutation.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
