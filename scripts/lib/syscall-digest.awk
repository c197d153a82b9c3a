# Reads what strace -f writes of a worker; writes "COUNT NAME ARGUMENTS" for every kind of call after its lock-down to the
# file `into`, and a line "killed" if the filter ended it. Arguments only where a list looks at them.
# The last of several calls: libseccomp asks first what the kernel can do.
/seccomp(\(SECCOMP_SET_MODE_FILTER| resumed>).* = 0$/ { locked = 1; next }
/killed by SIGSYS/ { killed = 1 }
!locked || !match($0, /^[0-9]+ +[a-z_0-9]+\(/) { next }
{
    line = $0
    sub(/^[0-9]+ +/, "", line)
    sub(/ <unfinished.*/, "", line)
    name = substr(line, 1, index(line, "(") - 1)
    count = split(substr(line, length(name) + 2), argument, /, |\)/)
    key = name
    if (name ~ /^(mmap|mprotect|setsockopt)$/) key = key " " argument[name == "setsockopt" ? 2 : 3]
    if (name ~ /^(mmap|setsockopt)$/) key = key " " argument[name == "mmap" ? 4 : 3]
    if (name == "fcntl") key = key " " argument[2]
    if (name ~ /^(socket|prctl)$/) key = key " " argument[1] " " argument[2]
    if (name == "clone") key = key " " argument[2]
    calls[key]++
}
END {
    for (key in calls) print calls[key], key > into
    if (killed) print "killed" > into
}
