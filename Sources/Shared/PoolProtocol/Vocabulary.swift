/// One number for all that the pool's processes can say to each other. Every `hello` carries it, so that two builds
/// whose messages differ refuse each other instead of misreading each other.
package enum Vocabulary {
    /// FNV-1a over the golden frame of every message of every edge, and over the layouts of shared memory.
    package static let hash: UInt64 = {
        var hash = FowlerNollVo()
        func add<Message: PoolMessage>(_ type: Message.Type) {
            hash.add(Message.edge.rawValue)
            for sample in Message.samples {
                var writer = FrameWriter()
                sample.encode(into: &writer)
                for byte in writer.bytes { hash.add(byte) }
            }
        }
        add(SupervisorToPeerWorker.self)
        add(PeerWorkerToSupervisor.self)
        add(SupervisorToHashWorker.self)
        add(HashWorkerToSupervisor.self)
        add(SupervisorToWriter.self)
        add(WriterToSupervisor.self)
        add(PeerWorkerToHashWorker.self)
        add(HashWorkerToPeerWorker.self)
        add(HashWorkerToWriter.self)
        add(WriterToHashWorker.self)
        for version in [AssemblyGeometry.layoutVersion, StatusPage.layoutVersion, LaunchOrder.layoutVersion] {
            hash.add(UInt8(truncatingIfNeeded: version))
        }
        return hash.value
    }()
}

/// The 64-bit FNV-1a hash: good at telling two texts apart, no good against an attacker, who could copy `hello` anyway.
struct FowlerNollVo {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325
    mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
}
