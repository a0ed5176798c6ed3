"""``python -m golf.stages NODE_DIR...``: work through nodes in one warm process group.

Started by torchrun for several processes, or by hand for one. Nodes that stand are skipped, so
the same line can be repeated after a crash.
"""

from __future__ import annotations

import sys

from golf.stages.process import prepare_process

if __name__ == "__main__":
    prepare_process()
    from golf.stages.entry import main

    sys.exit(main(sys.argv[1:]))
