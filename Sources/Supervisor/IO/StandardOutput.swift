import Glibc

/// What was asked for, on its way to stdout: kept until there is enough for a write, so that neither its length nor its
/// number of lines matters. After a failure the rest is dropped.
struct StandardOutput: TextOutputStream {
    /// The terminal shows ASCII only.
    private let isPlain: Bool
    private var waiting: [UInt8] = []
    private var failure: CInt = 0

    private static let enough = 64 << 10

    init(isPlain: Bool) { self.isPlain = isPlain }

    mutating func write(_ text: String) {
        waiting += (isPlain ? TextWidth.ascii(text) : text).utf8
        if waiting.count >= Self.enough { flush() }
    }

    /// Writes the rest. A reader that has seen enough (`| head`) is no error.
    consuming func finish() throws(UserError) {
        flush()
        guard failure == 0 || failure == EPIPE else {
            throw UserError(.fileError, "stdout", "cannot be written", because: String(cString: strerror(failure)))
        }
    }

    private mutating func flush() {
        if failure == 0 { failure = StandardStreams.write(waiting, to: STDOUT_FILENO) }
        waiting.removeAll(keepingCapacity: true)
    }
}
