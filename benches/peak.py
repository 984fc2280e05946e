"""Runs a command and prints its peak resident memory: python3 benches/peak.py COMMAND…"""

import resource
import subprocess
import sys

status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{usage.ru_maxrss / 1024:.1f} MiB, {usage.ru_utime + usage.ru_stime:.2f} s of processor time")
sys.exit(status)
