import Glibc

/// The three descriptors that a process is born with.
enum StandardStreams {
    /// Puts `/dev/null` where the caller closed one of them (`>&-`), before another file or socket gets its number and
    /// messages are written into it. To be called before anything is opened.
    static func fillGaps() {
        for descriptor in STDIN_FILENO...STDERR_FILENO {
            var information = stat()
            // The lowest free number is the one that is missing.
            if fstat(descriptor, &information) != 0 && errno == EBADF { _ = open("/dev/null", O_RDWR) }
        }
    }

    /// Writes everything, however long the reader takes.
    /// - Returns: 0, or the errno that ended it.
    static func write(_ bytes: [UInt8], to descriptor: CInt) -> CInt {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count >= 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    // Somebody else made the descriptor non-blocking, for instance a parent that shares it.
                    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&waiting, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }

    /// One line for the user, with the program's name; for what happens before there is an `Output`.
    static func complain(_ text: String) {
        _ = write(Array("supervisor: \(text)\n".utf8), to: STDERR_FILENO)
    }
}
