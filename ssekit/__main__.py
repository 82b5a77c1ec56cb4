import sys

from ssekit._command.main import main

sys.exit(main())
