"""`python -m ferkit`, the same as the command `ferkit`."""

from ferkit.cli import main

main()
