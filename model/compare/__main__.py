"""``python -m model.compare [NAME ...]``: measure the architectures again."""

import sys

from model.compare.record import main

main(sys.argv[1:])
