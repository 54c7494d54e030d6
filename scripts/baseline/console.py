"""console.py SOCKET: takes the terminals that a container runtime hands over (its --console-socket)
and keeps them open, as an engine does: a terminal without a master hangs up on its session."""
import array
import socket
import sys

kept = []
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen(64)
print("ready", flush=True)
while True:
    connection, _ = server.accept()
    size = array.array("i").itemsize
    _, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(size))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            # Opened as files they close themselves once dropped: as many as may live at a time.
            kept.extend(open(fd, "rb", buffering=0) for fd in array.array("i", data[:size]))
    connection.close()
    del kept[:-4]
