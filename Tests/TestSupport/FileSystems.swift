import Glibc

/// stat(1) could not be started.
package struct NoAnswer: Error {}

/// Whether a path lies on ext4, the one file system on which the writer reserves room by itself.
/// - Parameter path: without single quotes.
package func liesOnExt4(_ path: String) throws -> Bool {
    // Not by Foundation, which scripts/bench-micro would have to link.
    guard let output = popen("stat --file-system --format=%t '\(path)'", "r") else { throw NoAnswer() }
    defer { pclose(output) }
    // ext2 and ext3 have the same number; nobody mounts those any more without ext4's code.
    var answer = [CChar](repeating: 0, count: 16)
    return fgets(&answer, CInt(answer.count), output) != nil && strcmp(answer, "ef53\n") == 0
}
