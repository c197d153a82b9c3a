import BitTorrent
import Foundation
import Testing

/// What holds after every run, whatever happened in it (docs/faults.md, "After every fault").
extension SupervisorRun {
    /// Waits for a run to complete, and checks all that every run promises.
    /// - Parameter refetched: bytes that the fault may have cost, so that they were received a second time.
    func expectWhole(
        _ torrent: Torrent, refetched: Int = 4 << 20, within seconds: Double = 40,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectEnd(0, within: seconds, sourceLocation: sourceLocation)
        torrent.expectComplete(in: directory, sourceLocation: sourceLocation)
        expectSound(torrent, refetched: refetched, sourceLocation: sourceLocation)
    }

    /// Checks a run that has ended, complete or not: what it called written is right, nothing was done twice that was
    /// done for good, and it left nothing but its files.
    /// - Parameter losesPieces: what was written and never synced may have been fetched again.
    func expectSound(
        _ torrent: Torrent, refetched: Int = 4 << 20, losesPieces: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        expectNothingLeft(sourceLocation: sourceLocation)
        if !losesPieces { expectNoPieceTwice(sourceLocation: sourceLocation) }
        expectSyncedPieces(of: torrent, sourceLocation: sourceLocation)
        let surplus = downloadedByteCount - torrent.byteCount
        #expect(surplus <= refetched, "\(surplus) bytes came twice", sourceLocation: sourceLocation)
        #expect(Torrent.files(below: workspace.path("home")) == [], sourceLocation: sourceLocation)
    }

    /// No piece is granted or verified once it was verified before.
    func expectNoPieceTwice(sourceLocation: SourceLocation = #_sourceLocation) {
        var verified: Set<Int> = []
        var repeated: Set<Int> = []
        for event in events where event.kind == "piece" {
            guard let piece = event.count("index"), let state = event.text("state") else { continue }
            if (state == "granted" || state == "verified") && verified.contains(piece) { repeated.insert(piece) }
            if state == "verified" { verified.insert(piece) }
        }
        #expect(repeated.isEmpty, "granted or verified again", sourceLocation: sourceLocation)
    }

    /// Every piece that was called synced is in the files as it is at the source.
    private func expectSyncedPieces(of torrent: Torrent, sourceLocation: SourceLocation) {
        guard !torrent.metainfo.isMultiFile,
            let source = FileHandle(forReadingAtPath: "\(torrent.seedDirectory)/\(torrent.name)"),
            let copy = FileHandle(forReadingAtPath: "\(directory)/\(torrent.name)")
        else { return }
        func bytes(_ file: FileHandle, _ piece: Int) -> Data? {
            try? file.seek(toOffset: UInt64(piece * torrent.pieceByteCount))
            return try? file.read(upToCount: torrent.pieceByteCount)
        }
        let wrong = Set(pieces("synced")).filter { bytes(source, $0) != bytes(copy, $0) }
        #expect(wrong.isEmpty, "synced, but not there", sourceLocation: sourceLocation)
    }

    /// Deaths of workers by a signal, in order.
    func deaths(_ role: String, signal: Int32 = SIGKILL) -> [RunEvent] {
        events.filter { $0.isA("worker", "dead") && $0.text("role") == role && $0.count("signal") == Int(signal) }
    }

    /// Seconds from each death of a role to the next moment at which its place worked again.
    func secondsToReplace(_ role: String) -> [Double] {
        let all = events
        return all.indices.filter { all[$0].isA("worker", "dead") && all[$0].text("role") == role }.compactMap {
            index in
            all[index...].first {
                $0.isA("worker", "ready") && $0.text("role") == role
                    && $0.count("ordinal") == all[index].count("ordinal")
            }.map { $0.time - all[index].time }
        }
    }
}
