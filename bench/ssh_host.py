"""An sshd on loopback with keys of its own, for benchmarks of hosts: SshHost(folder) as a context.

Needs root (a mount namespace gives sshd the folder and the user it asks for) and sshd: the system's, or the
one that ./run-tests unpacks to build/sshd.
"""

import os
import random
import subprocess
import sys

from measure import TOP


class SshHost:
    """Reached as `test-host` by the client configuration `self.config`; here, or in a network namespace."""

    def __init__(self, folder, space=None, address="127.0.0.1"):
        self.folder = folder
        self.inside = ["ip", "netns", "exec", space] if space else []
        self.address = address
        self.config = os.path.join(folder, "config")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        program = next((p for p in ("/usr/sbin/sshd", os.path.join(TOP, "build/sshd/usr/sbin/sshd"))
                        if os.path.exists(p)), None)
        if program is None or os.geteuid() != 0:
            sys.exit("this benchmark needs root and sshd; ./run-tests unpacks one to build/sshd")
        for key in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.path(key)], check=True)
        with open(self.path("user_key.pub")) as key:
            self.write("authorized_keys", key.read())
        while not self.start(program, random.randint(20000, 60000)):
            pass
        return self

    def start(self, program, port):
        """False: the port is somebody else's."""
        self.write("sshd_config", f"""Port {port}
ListenAddress {self.address}
HostKey {self.path('host_key')}
AuthorizedKeysFile {self.path('authorized_keys')}
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
MaxSessions 64
MaxStartups 100:30:200
SetEnv DDL_HOST_DIR={self.path('host')} DDL_LEASE_DIR={self.path('leases')}
""")
        with open(self.path("host_key.pub")) as key:
            self.write("known_hosts", f"[{self.address}]:{port} {' '.join(key.read().split()[:2])}\n")
        self.write("config", f"""Host test-host
  HostName {self.address}
  Port {port}
  IdentityFile {self.path('user_key')}
  IdentityAgent none
  UserKnownHostsFile {self.path('known_hosts')}
  GlobalKnownHostsFile none
  LogLevel ERROR
""")
        script = (f"mount -t tmpfs none /run && mkdir /run/sshd && cp /etc/passwd {self.path('passwd')} && "
                  f"{{ getent passwd sshd >/dev/null || echo sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin"
                  f" >> {self.path('passwd')}; }} && mount --bind {self.path('passwd')} /etc/passwd && "
                  f"exec {program} -D -e -f {self.path('sshd_config')}")
        libraries = os.path.join(TOP, "build/sshd/usr/lib/x86_64-linux-gnu")
        self.server = subprocess.Popen(
            [*self.inside, "unshare", "--mount", "/bin/sh", "-c", script], stderr=subprocess.PIPE, text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": libraries})
        for line in self.server.stderr:
            if "Server listening on" in line:
                return True
            if "in use" in line:
                break
        self.server.wait()
        return False

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()
