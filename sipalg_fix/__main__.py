"""``python -m sipalg_fix`` is the command ``sipalg-fix``."""

from sipalg_fix.cli.main import main

main()
