import sys

from ssekit._cli import main

sys.exit(main())
