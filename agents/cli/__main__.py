"""`python -m agents.cli`: what starts workers and benches without the console script."""

import sys

from agents.cli.main import main

sys.exit(main())
