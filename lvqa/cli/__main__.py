"""`python -m lvqa.cli`, for where the `lvqa` script is not on the path."""

from __future__ import annotations

import sys

from lvqa.cli import main

sys.exit(main())
