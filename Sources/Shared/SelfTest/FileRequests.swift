import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime

/// A peer-worker that asks for every file of the first torrent, and looks into all descriptors that it has for what the
/// test has written there.
final class FileRequests: Assault {
    /// What a file that it should not see begins with, and one that it may.
    private static let marks = ["selftest secret", "selftest public"]
    private var turnCount = 0
    private var found: Set<String> = []

    func turn<Order: SupervisorOrder, News: WorkerNews>(of loop: WorkerLoop<Order, News>) {
        turnCount += 1
        // It may not have heard of the torrent in its first turns, and files become readable in the course of time.
        if turnCount % 4 == 0 {
            var writer = FrameWriter()
            PeerWorkerToSupervisor.wantFiles(torrent: 0, [0, 1]).encode(into: &writer)
            loop.inject(writer.take())
        }
        for descriptor in CInt(4)..<64 {
            var bytes = [UInt8](repeating: 0, count: 15)
            guard pread(descriptor, &bytes, bytes.count, 0) == bytes.count else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            if Self.marks.contains(text), found.insert(text).inserted { loop.report("reads: \(text)") }
        }
    }
}
