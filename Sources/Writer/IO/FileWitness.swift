import Glibc
import PoolRuntime

/// Owns what each file looked like when we had touched it last. Whatever differs later, another program did: bytes that
/// we wrote may be gone, and are claimed no more. A change within the same tick of the file system's clock that leaves the
/// size alone is not seen.
struct FileWitness {
    private var seen: [Int: FileStatus] = [:]
    /// Inodes that the journal vouches for, until the file was seen in this life.
    private var expectedInodes: [Int: UInt64]

    /// On a file system that corrects times later, only sizes and inodes are compared.
    private let comparesTimes: Bool

    init(comparesTimes: Bool) {
        self.comparesTimes = comparesTimes
        expectedInodes = [:]
    }

    /// What predecessors recorded; files that this life has seen are known better.
    mutating func expect(_ inodes: [Int: UInt64]) { expectedInodes = inodes }

    /// Whether there was such a file, which may have bytes of ours.
    func knows(_ number: Int) -> Bool { seen[number] != nil || expectedInodes[number] != nil }

    /// nil before the file was opened in this life.
    func inode(of number: Int) -> UInt64? { seen[number]?.inode }

    mutating func touched(_ number: Int, _ status: FileStatus) { seen[number] = status }

    /// - Throws: ESTALE.
    func check(_ number: Int, _ status: FileStatus, path: String) throws(SystemCallError) {
        let isUnchanged =
            if seen[number] != nil {
                !hasChanged(number, status)
            } else if let inode = expectedInodes[number] {
                inode == status.inode
            } else {
                true
            }
        guard isUnchanged else { throw Self.change(of: path) }
    }

    /// Whether this life has seen the file, and it is not as it was then.
    func hasChanged(_ number: Int, _ status: FileStatus?) -> Bool {
        guard let before = seen[number] else { return false }
        guard let status else { return true }
        return before.inode != status.inode || before.byteCount != status.byteCount
            || (comparesTimes && before.modified != status.modified)
    }

    static func change(of path: String) -> SystemCallError {
        SystemCallError("another program changed it", ESTALE, subject: path)
    }
}
