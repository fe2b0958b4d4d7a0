"""`mergecost`, run by the path of this file, as `collector.hook` does: isolated, so that no project's folder is searched.

Our packages are looked for last, and beside this one alone: also where they are installed for one user, or not at all.
"""

import sys
from importlib import import_module

if __name__ == "__main__":
    sys.path.append(__file__.rpartition("/")[0].rpartition("/")[0])
    sys.exit(import_module("collector.command").main())
