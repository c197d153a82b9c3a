import BitTorrent
import PoolProtocol
import TestSupport

extension Measurement {
    /// What the supervisor chooses, and what goes between processes.
    static let pool: [Measurement] = [
        Measurement(name: "picker-next", unit: "choice among 2,000,000 pieces and 1,000 peers", repetitions: 1000) {
            var (ledger, generator) = swarm()
            var assignment: AssignmentID = 0
            return { number in
                guard let piece = ledger.picker.next(for: number % workerCount, using: &generator) else {
                    fatalError("there is always a piece")
                }
                assignment += 1
                ledger.opening(piece, assignment: assignment)
                ledger.opened(assignment)
                ledger.verified(assignment)
                ledger.written(assignment)
            }
        },
        Measurement(name: "picker-have", unit: "1,000 haves of peers", repetitions: 20) {
            var (ledger, generator) = swarm()
            return { _ in
                for number in 0..<1000 {
                    let piece = PieceIndex(Int.random(in: 0..<pieceCount, using: &generator))
                    let worker = number % workerCount
                    let count = ledger.picker.availability.count(worker, piece) - seedCount
                    ledger.picker.workerReported(worker, piece, count: count + 1)
                }
            }
        },
        Measurement(name: "references", unit: "64 block references written and read", repetitions: 500) {
            var writer = FrameWriter()
            return { number in
                let references = (0..<64).map {
                    BlockReference(
                        assignment: AssignmentID(number), block: UInt32($0), byteCount: 1 << 14, slot: UInt32($0),
                        lease: 3,
                        peer: 4)
                }
                writer.removeAll()
                PeerWorkerToHashWorker.blocksArrived(references).encode(into: &writer)
                writer.bytes.withUnsafeBytes { bytes in
                    var reader = FrameReader(bytes)
                    do throws(PoolCodecError) {
                        let read = try PeerWorkerToHashWorker(from: &reader)
                        precondition(read == .blocksArrived(references))
                    } catch { fatalError("\(error)") }
                }
            }
        },
        Measurement(name: "metainfo", unit: "torrent of 20,000 pieces and 1,000 files read", repetitions: 3) {
            let bytes = torrent(pieceCount: 20_000, fileCount: 1000)
            return { _ in
                do throws(MetainfoError) { _ = try MetainfoParser.parse(bytes) } catch { fatalError("\(error)") }
            }
        },
    ]

    private static let pieceCount = 2_000_000
    private static let workerCount = 8
    private static let seedCount = 105

    /// Eight workers with 125 peers each, of whom 20 are no seeds and have a twentieth of the pieces among them.
    private static func swarm() -> (PieceLedger, SeededGenerator) {
        var generator = SeededGenerator(seed: 1)
        var ledger = PieceLedger(
            geometry: TorrentGeometry(totalByteCount: UInt64(pieceCount) << 18, pieceByteCount: 1 << 18))
        for worker in 0..<workerCount {
            ledger.picker.workerSeeds(worker, count: seedCount)
            for _ in 0..<pieceCount / 20 {
                let piece = PieceIndex(Int.random(in: 0..<pieceCount, using: &generator))
                ledger.picker.workerReported(worker, piece, count: Int.random(in: 1...20, using: &generator))
            }
        }
        return (ledger, generator)
    }

    private static func torrent(pieceCount: Int, fileCount: Int) -> [UInt8] {
        let perFile = (pieceCount / fileCount) << 18
        var text = Array("d4:infod5:filesl".utf8)
        for number in 0..<fileCount {
            let name = "file-\(number)"
            text += Array("d6:lengthi\(perFile)e4:pathl3:dir\(name.utf8.count):\(name)ee".utf8)
        }
        text += Array("e4:name4:many12:piece lengthi\(1 << 18)e6:pieces\(20 * pieceCount):".utf8)
        text += (0..<20 * pieceCount).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        return text + Array("ee".utf8)
    }
}
