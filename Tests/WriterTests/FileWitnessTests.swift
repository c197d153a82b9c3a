import Foundation
import Glibc
import PoolRuntime
import Testing

@testable import Writer

struct FileWitnessTests {
    /// Of a file of so many bytes, changed at this second.
    private func status(_ byteCount: Int, changedAt second: Int) throws -> FileStatus {
        let path = "/tmp/witness-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(path) }
        let descriptor = OwnedDescriptor(open(path, O_RDWR | O_CREAT, 0o600))
        ftruncate(descriptor.rawValue, byteCount)
        let times = [timespec](repeating: timespec(tv_sec: second, tv_nsec: 0), count: 2)
        futimens(descriptor.rawValue, times)
        return try FileStatus(descriptor: descriptor.rawValue, path: path)
    }

    private func changes(_ witness: FileWitness, _ status: FileStatus) -> Bool {
        do throws(SystemCallError) {
            try witness.check(0, status, path: "p")
            return false
        } catch {
            return error == FileWitness.change(of: "p")
        }
    }

    @Test func fileThatNobodyKnowsMayBeAnything() throws {
        let witness = FileWitness(comparesTimes: true)
        #expect(!witness.knows(0))
        #expect(!changes(witness, try status(5, changedAt: 1)))
    }

    @Test func whatTheJournalVouchesForMustBeThatInode() throws {
        var witness = FileWitness(comparesTimes: true)
        let there = try status(5, changedAt: 1)
        witness.expect([0: there.inode])
        #expect(!changes(witness, there))
        #expect(witness.knows(0))
        witness.expect([0: there.inode + 1])
        #expect(changes(witness, there))
        witness.touched(0, there)
        #expect(!changes(witness, there), "what we have seen ourselves counts more")
        #expect(witness.knows(0))
    }

    /// A server may correct the times of what it was sent.
    @Test(arguments: [true, false]) func timesCountWhereTheFileSystemKeepsThem(comparesTimes: Bool) throws {
        var witness = FileWitness(comparesTimes: comparesTimes)
        let path = "/tmp/witness-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(path) }
        let descriptor = OwnedDescriptor(open(path, O_RDWR | O_CREAT, 0o600))
        witness.touched(0, try FileStatus(descriptor: descriptor.rawValue, path: path))
        futimens(descriptor.rawValue, [timespec](repeating: timespec(tv_sec: 9, tv_nsec: 0), count: 2))
        #expect(changes(witness, try FileStatus(descriptor: descriptor.rawValue, path: path)) == comparesTimes)
        ftruncate(descriptor.rawValue, 3)
        #expect(changes(witness, try FileStatus(descriptor: descriptor.rawValue, path: path)))
    }
}
