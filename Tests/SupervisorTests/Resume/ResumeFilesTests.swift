import BitTorrent
import Foundation
import Glibc
import PoolProtocol
import PoolRuntime
import Testing

@testable import Supervisor

/// A directory that is gone with its owner.
private final class Scratch {
    let path: String
    init() throws {
        var template = Array("/tmp/resume-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp", errno) }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func put(_ bytes: [UInt8], _ name: String) throws {
        let whole = URL(fileURLWithPath: "\(path)/\(name)")
        try FileManager.default.createDirectory(
            at: whole.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: whole)
    }
}

@Suite struct ResumeFilesTests {
    private func subject() throws -> JournalSubject { ResumeFixture.subject(try ResumeFixture.selected()) }

    private func state() throws -> JournalState {
        var state = JournalState(subject: try subject())
        state.apply(.piecesSynced([PieceIndex(3)]))
        return state
    }

    @Test func noJournalIsNoComplaint() throws {
        let scratch = try Scratch()
        let found = try ResumeFiles(path: UserPath(scratch.path + "/none")).read(subject())
        #expect(found.state == nil && found.complaint == nil)
    }

    @Test func replacedJournalIsReadBackAndCanBeAppendedTo() throws {
        let scratch = try Scratch()
        let files = ResumeFiles(path: UserPath(scratch.path + "/journal"))
        let descriptor = try files.replace(with: state())
        #expect(try files.read(subject()).state == state())
        let more = JournalWriter.encode([.piecesSynced([PieceIndex(4)])])
        #expect(write(descriptor.rawValue, more, more.count) == more.count)
        #expect(try files.read(subject()).state?.synced.count == 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["journal"])
    }

    @Test func damagedJournalIsBelievedUpToItsDamageAndComplainedAbout() throws {
        let scratch = try Scratch()
        let bytes = JournalWriter.compacted(try state())
        let files = ResumeFiles(path: UserPath(scratch.path + "/journal"))
        for length in 0..<bytes.count {
            try scratch.put(Array(bytes.prefix(length)), "journal")
            let found = try files.read(subject())
            #expect(found.complaint != nil || length == JournalWriter.headerByteCount)
            #expect(found.state?.synced.isEmpty ?? true)
        }
        for offset in bytes.indices {
            var garbled = bytes
            garbled[offset] ^= 0x40
            try scratch.put(garbled, "journal")
            let found = try files.read(subject())
            #expect(found.complaint != nil)
            #expect(found.state?.synced.isEmpty ?? true)
        }
    }

    @Test func anotherTorrentsJournalIsNamedAndNotBelieved() throws {
        let scratch = try Scratch()
        var other = try subject()
        other.infoHash = InfoHash(Digest(5...24))
        try scratch.put(JournalWriter.compacted(JournalState(subject: other)), "journal")
        let found = try ResumeFiles(path: UserPath(scratch.path + "/journal")).read(subject())
        #expect(found.state == nil)
        #expect(found.complaint?.contains("another torrent") == true)
    }

    @Test func whatIsNoFileIsRefused() throws {
        let scratch = try Scratch()
        symlink("/etc/passwd", scratch.path + "/journal")
        for path in [scratch.path + "/journal", scratch.path] {
            #expect(throws: SystemCallError.self) { try ResumeFiles(path: UserPath(path)).read(subject()) }
        }
    }

    // MARK: state directory and locks

    @Test func stateDirectoryIsMadeForThisUserAlone() throws {
        let scratch = try Scratch()
        let directory = try StateDirectory(option: nil, environment: ["XDG_STATE_HOME": scratch.path + "/x/y"])
        #expect(directory.path.text == scratch.path + "/x/y/swarmkeeper")
        var information = stat()
        stat(directory.path.text, &information)
        #expect(information.st_mode & 0o777 == 0o700)
        let home = try StateDirectory(option: nil, environment: ["XDG_STATE_HOME": "relative", "HOME": scratch.path])
        #expect(home.path.text == scratch.path + "/.local/state/swarmkeeper")
        let own = UserPath(scratch.path + "/own")
        #expect(try StateDirectory(option: own, environment: [:]).path == own)
    }

    @Test func stateDirectoryThatCannotBeMadeIsNamed() throws {
        let scratch = try Scratch()
        try scratch.put([], "file")
        let error = #expect(throws: SystemCallError.self) {
            try StateDirectory(option: UserPath(scratch.path + "/file/state"), environment: [:])
        }
        #expect(error?.subject.hasPrefix(scratch.path + "/file") == true)
    }

    @Test func namesDifferByTorrentAndByDirectory() throws {
        let scratch = try Scratch()
        let directory = try StateDirectory(option: UserPath(scratch.path), environment: [:])
        let here = StateDirectory.DirectoryIdentity(device: 0x801, inode: 255)
        let names = directory.names(of: ResumeFixture.infoHash, in: here)
        #expect(names.journal.text == "\(scratch.path)/\(ResumeFixture.infoHash)-801-ff.journal")
        var elsewhere = here
        elsewhere.inode = 256
        #expect(directory.names(of: ResumeFixture.infoHash, in: elsewhere).lock != names.lock)
        #expect(directory.names(of: InfoHash(Digest(2...21)), in: here).lock != names.lock)
        #expect(Set([names.journal, names.lock, names.writerLock]).count == 3)
    }

    @Test func secondHolderOfALockIsRefusedUntilTheFirstIsGone() throws {
        let scratch = try Scratch()
        let path = UserPath(scratch.path + "/lock")
        var first: FileLock? = try FileLock(path: path)
        #expect(first != nil)
        var wasHeld = false
        do throws(FileLock.Refusal) { _ = try FileLock(path: path) } catch {
            if case .held(path) = error { wasHeld = true }
        }
        #expect(wasHeld)
        first = nil
        _ = try FileLock(path: path)
    }
}

@Suite struct PayloadFilesTests {
    private func table() throws -> FileTable {
        var table = FileTable(infoHash: ResumeFixture.infoHash, selected: try ResumeFixture.selected([0, 2]))
        table.files[2].path = "folder/deep/file2"
        return table
    }

    @Test func directoryIsMadeAndMayBeALink() throws {
        let scratch = try Scratch()
        let made = try PayloadFiles(making: UserPath(scratch.path + "/a/b"))
        symlink(scratch.path + "/a/b", scratch.path + "/link")
        #expect(try PayloadFiles(making: UserPath(scratch.path + "/link")).identity == made.identity)
        #expect(try PayloadFiles(making: UserPath(scratch.path)).identity != made.identity)
    }

    @Test func directoryThatIsNoneIsNamed() throws {
        let scratch = try Scratch()
        try scratch.put([], "file")
        let error = #expect(throws: SystemCallError.self) { try PayloadFiles(making: UserPath(scratch.path + "/file")) }
        #expect(error == SystemCallError("open", ENOTDIR, subject: scratch.path + "/file"))
        #expect(throws: SystemCallError.self) { try PayloadFiles(existing: UserPath(scratch.path + "/none")) }
    }

    @Test func onlyFilesThatExistHaveFacts() throws {
        let scratch = try Scratch()
        let payload = try PayloadFiles(making: UserPath(scratch.path))
        #expect(try payload.facts(of: table()).isEmpty)
        try scratch.put([1, 2, 3], "folder/deep/file2")
        try scratch.put([1], "file1")
        try scratch.put([1, 2], PartsFile.name(of: ResumeFixture.infoHash))
        let facts = try payload.facts(of: table())
        #expect(facts.mapValues(\.byteCount) == [2: 3, 3: 2], "the second file is not selected")
        var information = stat()
        stat(scratch.path + "/folder/deep/file2", &information)
        #expect(facts[2]?.inode == UInt64(information.st_ino))
        #expect(
            facts[2]?.modified == Int64(information.st_mtim.tv_sec) * 1_000_000_000 + Int64(information.st_mtim.tv_nsec)
        )
    }

    @Test func linksAndOtherThingsInPlaceOfFilesAreNamed() throws {
        func expect(_ errno: CInt, call: String = "open", at path: String, _ prepare: (Scratch) throws -> Void) throws {
            let scratch = try Scratch()
            let payload = try PayloadFiles(making: UserPath(scratch.path))
            try prepare(scratch)
            #expect(throws: SystemCallError(call, errno, subject: "\(scratch.path)/\(path)")) {
                try payload.facts(of: table())
            }
        }
        try expect(ELOOP, at: "file0") { symlink("/etc/passwd", $0.path + "/file0") }
        try expect(ENXIO, call: "open, which is no regular file", at: "file0") { mkfifo($0.path + "/file0", 0o600) }
        try expect(EISDIR, at: "file0") { mkdir($0.path + "/file0", 0o700) }
        try expect(ELOOP, at: "folder/deep") { symlink("/tmp", $0.path + "/folder") }
        try expect(ENOTDIR, at: "folder/deep") { try $0.put([], "folder") }
    }

    @Test(.timeLimit(.minutes(1))) func readerGetsFilesOnly() throws {
        let scratch = try Scratch()
        let payload = try PayloadFiles(making: UserPath(scratch.path))
        try scratch.put([7, 8], "folder/file")
        let file = try payload.openForReading("folder/file")
        var bytes: [UInt8] = [0, 0]
        #expect(pread(file.rawValue, &bytes, 2, 0) == 2 && bytes == [7, 8])
        mkfifo(scratch.path + "/pipe", 0o600)
        symlink(scratch.path + "/folder", scratch.path + "/link")
        #expect(throws: SystemCallError.self) { try payload.openForReading("pipe") }
        #expect(throws: SystemCallError.self) { try payload.openForReading("link/file") }
        #expect(throws: SystemCallError.self) {
            try payload.openForReading("../" + scratch.path.split(separator: "/").last! + "/folder/file")
        }
    }
}
