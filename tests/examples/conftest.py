"""What boto 2 needs where warnings are errors. Where it does not run at all, nothing here is collected."""

import sys
from pathlib import Path

if sys.version_info < (3, 12):
    from clients.boto2 import LEFT

    def pytest_collection_modifyitems(items):
        for item in items:
            if item.path.is_relative_to(Path(__file__).parent):
                for marker in LEFT:
                    item.add_marker(marker)
else:
    collect_ignore_glob = ["*.py"]
