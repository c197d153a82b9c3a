import Foundation
import Glibc
import PoolProtocol
import PoolRuntime
import Testing

@testable import Writer

/// A tmpfs that only a child's mount namespace has; seen through the child's root in /proc.
final class SmallDisk {
    private let child = Process()
    private let input = Pipe()
    private let mountPoint: String
    var path: String { "/proc/\(child.processIdentifier)/root\(mountPoint)" }

    /// nil when this user, or this kernel, allows no mounts.
    init?(byteCount: Int) {
        var template = Array("/tmp/small-disk-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        mountPoint = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let output = Pipe()
        child.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        child.arguments = [
            "-m", "--propagation", "private", "sh", "-c",
            "mount -t tmpfs -o size=\(byteCount) tmpfs \(mountPoint) && echo ready && read line",
        ]
        child.standardInput = input
        child.standardOutput = output
        child.standardError = FileHandle.nullDevice
        guard geteuid() == 0, (try? child.run()) != nil,
            output.fileHandleForReading.availableData == Data("ready\n".utf8)
        else { return nil }
    }

    deinit {
        input.fileHandleForWriting.closeFile()
        if child.isRunning { child.waitUntilExit() }
        rmdir(mountPoint)
    }
}

@Suite struct FullDiskTests {
    @Test func fullDiskIsAnErrorAndTheSameWriteWorksOnceThereIsSpace() throws {
        guard let small = SmallDisk(byteCount: 262_144) else {
            print("skipped: needs root and mount namespaces")
            return
        }
        let rig = try DiskRig(WriterFixture.oneFile, directory: small.path)
        #expect(try rig.write(0, 100_000) == .done)
        #expect(rig.sync([0]) == .done)
        let filler = small.path + "/filler"
        #expect(FileManager.default.createFile(atPath: filler, contents: Data(count: 100_000)))
        let failure = try #require(try rig.write(100_000, 100_000).failure)
        #expect(failure.errno == ENOSPC && failure.call == "pwritev" && failure.path == "file0")
        #expect(failure.stage == .writing)
        unlink(filler)
        #expect(try rig.write(100_000, 100_000) == .done)
        #expect(rig.sync([1]) == .done)
        #expect(rig.contents("file0") == (0..<200_000).map { rig.byte(at: $0) })
    }

    @Test func spaceThatCannotBeReservedIsToldAtTheStart() throws {
        guard let small = SmallDisk(byteCount: 262_144) else {
            print("skipped: needs root and mount namespaces")
            return
        }
        let rig = try DiskRig(WriterFixture.oneFile, allocation: .atStart, directory: small.path, prepared: false)
        let failure = try #require(rig.perform(.prepare(torrent: 7)).failure)
        #expect(failure.errno == ENOSPC && failure.call == "fallocate" && failure.path == "file0")
    }

    @Test func fullDiskUnderTheJournalLeavesNoTornRecord() throws {
        guard let small = SmallDisk(byteCount: 65536) else {
            print("skipped: needs root and mount namespaces")
            return
        }
        let path = small.path + "/journal"
        let table = WriterFixture.oneFile
        var writer = JournalWriter()
        writer.appendHeader(table.journalSubject)
        try Data(writer.bytes).write(to: URL(fileURLWithPath: path))
        let journal = JournalFile(OwnedDescriptor(open(path, O_RDWR | O_APPEND)))
        _ = try journal.prepare(table.journalSubject)
        let facts = (0..<5000).map { _ in FileFact(file: 0, byteCount: 1, modified: 2, inode: 3) }
        #expect(throws: SystemCallError.self) { try journal.append([.cleanStop(facts)]) }
        try journal.append([.beat])
        let reading = try JournalReader.read(
            Array(FileManager.default.contents(atPath: path)!), subject: table.journalSubject)
        #expect(reading.damage == nil && reading.validByteCount == writer.bytes.count + 9)
    }
}
