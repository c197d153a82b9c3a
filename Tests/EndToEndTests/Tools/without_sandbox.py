"""Runs a command on a kernel that seems to be an older one: some system calls fail with ENOSYS, for it and all that it
starts. `landlock` and `seccomp` name what is missing; the command follows `--`."""
import ctypes
import os
import struct
import sys

CALLS = {"landlock": (444, 445, 446), "seccomp": (317,)}
LOAD_NUMBER = struct.pack("HBBI", 0x20, 0, 0, 0)
RETURN = 0x06
ALLOW, FAIL_WITH_ENOSYS = 0x7FFF0000, 0x00050000 | 38
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def main():
    end = sys.argv.index("--")
    numbers = [number for name in sys.argv[1:end] for number in CALLS[name]]
    code = LOAD_NUMBER
    for number in numbers:
        code += struct.pack("HBBI", 0x15, 0, 1, number) + struct.pack("HBBI", RETURN, 0, 0, FAIL_WITH_ENOSYS)
    code += struct.pack("HBBI", RETURN, 0, 0, ALLOW)
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0):
        sys.exit(f"without_sandbox: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[end + 1], sys.argv[end + 1:])


main()
