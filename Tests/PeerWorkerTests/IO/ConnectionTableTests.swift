import BitTorrent
import PoolProtocol
import Testing

@testable import PeerWorker

struct ConnectionTableTests {
    private func names(_ count: Int, generation: UInt32) -> [UInt32] {
        var table = ConnectionTable(capacity: 100, generation: generation)
        return (0..<count).map { _ in table.nameIncoming() }
    }

    @Test func generationsNeverShareANameNorTakeOneOfTheSupervisors() {
        let generations = [UInt32(0), 1, 2, 3, 511, 1023].map { names(1000, generation: $0) }
        #expect(Set(generations.joined()).count == 6 * 1000)
        #expect(generations.joined().allSatisfy { $0 >= ConnectionTable.firstIncoming })
    }

    /// A thousand generations on, no block of the first is left.
    @Test(arguments: [UInt32(1024), 5000, .max])
    func generationsBeyondTheirBitsBeginAnew(_ generation: UInt32) {
        #expect(names(3, generation: generation) == names(3, generation: generation % 1024))
    }

    @Test func numbersBeginAnewWithoutTheNamesThatAreTaken() throws {
        let worker = try WorkerUnderTest()
        let peer = try #require(worker.incoming())
        var seen: Set<UInt32> = [peer.name]
        var name = worker.process.table.nameIncoming()
        while seen.insert(name).inserted { name = worker.process.table.nameIncoming() }
        #expect(seen.count == 1 << 21)
        #expect(name == peer.name + 1, "the first one is still connected")
    }
}
