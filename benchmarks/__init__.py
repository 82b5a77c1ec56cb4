# `python -m` puts the working directory before PYTHONPATH. Here another checkout's ssekit in
# PYTHONPATH comes first, so that two versions can be measured by the same benchmarks.

import os
import sys

sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
