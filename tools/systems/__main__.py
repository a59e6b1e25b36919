"""What breaks on Windows or macOS: python -m tools.systems."""

import sys

from tools import project
from tools.systems import check

if __name__ == "__main__":
    sys.exit(project.ended(check.main))
