"""The lab: four real Docker hosts on this machine, each with its own engine and sshd on loopback.

`python3 -m tests.lab up` starts it, `down` ends it, `Lab` is the same for tests. Only the standard
library is used, so that it runs before any virtual environment exists.
"""

from tests.lab.errors import LabError
from tests.lab.host import Host, Process
from tests.lab.lab import Lab, skip_reason

__all__ = ["Host", "Lab", "LabError", "Process", "skip_reason"]
