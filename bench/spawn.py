"""`python -I -S spawn.py FD PROGRAM ARGUMENT ...`: run a program and write what it cost to FD, as JSON.

A process of its own, and a small one: the kernel counts what a parent holds in memory as its child's until that begins.
"""

import json
import os
import sys
import time

began = time.perf_counter()
process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(process, 0)
cost = {
    "seconds": time.perf_counter() - began,
    "cpu": usage.ru_utime + usage.ru_stime,
    "peak": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),  # macOS counts bytes
    "exit_code": os.waitstatus_to_exitcode(status),
}
os.write(int(sys.argv[1]), json.dumps(cost).encode())
