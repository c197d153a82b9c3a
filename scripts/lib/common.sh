# What every script here needs: one-line errors, the project's folder, Swift on PATH. Sourced, never run.

project_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
script_name=$(basename "$0")

# Debian's own Python: the one that Debian's python3-libtorrent belongs to, whatever else is first on PATH.
system_python=/usr/bin/python3

say() { printf '%s: %s\n' "$script_name" "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# Prints the comment at the head of the calling script, which is its help text.
print_help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//;t print;d;:print;p}' "$0"; }

# Puts Swift on PATH when it is in one of the places where people unpack it.
find_swift() {
    local folder
    command -v swift >/dev/null && return
    for folder in /opt/swift/usr/bin /usr/local/swift/usr/bin /usr/share/swift/usr/bin /usr/libexec/swift/bin \
        "${HOME:-/root}/.local/share/swiftly/bin" "${HOME:-/root}/swift/usr/bin"; do
        if [ -x "$folder/swift" ]; then
            export PATH="$folder:$PATH"
            return
        fi
    done
    die "no Swift on PATH (6.2 or later is needed: https://www.swift.org/install/linux/, or unpack it to /opt/swift)"
}
