"""`python -m bench.hosts_pssh KEY COMMAND PORT ...`: the command on each host by parallel-ssh; prints what they say."""

import sys

from pssh.clients import ParallelSSHClient
from pssh.config import HostConfig

from bench.working import working
from gpmedic.practice.layout import LOOPBACK, USER


def main(key: str, command: str, ports: list[str]) -> None:
    hosts = [HostConfig(port=int(port), user=USER, private_key=key) for port in ports]
    with working():
        client = ParallelSSHClient([LOOPBACK] * len(ports), host_config=hosts, allow_agent=False)
        for output in client.run_command(command):
            print("\n".join(output.stdout))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
