"""``python -m model.compare [NAME ...]``: measure the architectures anew."""

import sys

from model.compare.record import main

main(sys.argv[1:])
