import PoolProtocol
import Testing

@testable import PoolRuntime

struct ResourceLimitsTests {
    private func limits(_ role: Role, peers: Int = 0) -> ResourceLimits {
        ResourceLimits(role: role, maximumPeerCount: peers, regionByteCount: 8 << 20)
    }

    /// The connections of a full worker, its files and the pool's own must fit.
    @Test(arguments: [1, 200, 65_535]) func aPeerWorkerHasDescriptorsForItsPeers(peers: Int) throws {
        let descriptors = try #require(limits(.peerWorker, peers: peers).descriptors)
        #expect(descriptors >= UInt64(peers + 256 + DescriptorLimit.reserve))
    }

    @Test func onlyTheWriterMakesFilesGrow() {
        #expect(limits(.peerWorker).fileByteCount == 0)
        #expect(limits(.hashWorker).fileByteCount == 0)
        #expect(limits(.writer).fileByteCount == nil)
    }

    /// A peer-worker's reader of cold files is a thread that starts late.
    @Test func onlyPeerWorkersStartThreadsAfterTheStart() {
        #expect(limits(.peerWorker).processes == nil)
        #expect(limits(.hashWorker).processes == 0)
        #expect(limits(.writer).processes == 0)
    }

    /// A piece may lie in any number of files.
    @Test func aHashWorkerOpensWhatTheMachineAllows() { #expect(limits(.hashWorker).descriptors == nil) }
}
