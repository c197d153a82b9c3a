import CLinux
import Glibc
import PoolProtocol
import PoolRuntime
import Testing

@Suite struct LifelineTests {
    private static func received(_ lifeline: Lifeline) throws -> ([UInt8], [CInt])? {
        guard case .message(let bytes, let descriptors) = try lifeline.receive() else { return nil }
        return (bytes, descriptors)
    }

    @Test func descriptorsArriveInOrderAndOpenTheSameFile() throws {
        let (ours, theirs) = try Lifeline.makePair()
        let other = Lifeline(theirs)
        let files = try (1...3).map { try RegionMapping.makeSealed(name: "file", [UInt8](repeating: 9, count: $0)) }
        try ours.send(DescriptorsPassed(identifiers: [4, 5, 6]), descriptors: files.map(\.rawValue))
        let (bytes, descriptors) = try #require(try Self.received(other))
        defer { for descriptor in descriptors { close(descriptor) } }
        let passed = try bytes.withUnsafeBytes { buffer in
            var reader = FrameReader(buffer)
            return try DescriptorsPassed(from: &reader)
        }
        #expect(passed.identifiers == [4, 5, 6])
        #expect(try descriptors.map { try RegionMapping.contents(of: $0).count } == [1, 2, 3])
        for descriptor in descriptors { #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0) }
    }

    @Test func asManyDescriptorsAsAMessageMayCarryGetThrough() throws {
        let (ours, theirs) = try Lifeline.makePair()
        let other = Lifeline(theirs)
        let file = try RegionMapping.makeSealed(name: "file", [1])
        let count = DescriptorsPassed.maximumCount
        try ours.send(
            DescriptorsPassed(identifiers: (0..<UInt32(count)).map { $0 }),
            descriptors: Array(repeating: file.rawValue, count: count))
        let (_, descriptors) = try #require(try Self.received(other))
        for descriptor in descriptors { close(descriptor) }
        #expect(descriptors.count == count)
    }

    @Test func quietLineSaysNothing() throws {
        let (ours, theirs) = try Lifeline.makePair()
        guard case .nothing = try ours.receive() else {
            Issue.record("something came from nowhere")
            return
        }
        withExtendedLifetime(theirs) {}
    }

    @Test func lastWordsComeBeforeTheEnd() throws {
        var ends: [CInt] = [-1, -1]
        try checked("socketpair", clinux_seqpacket_pair(&ends))
        let reader = Lifeline(OwnedDescriptor(ends[0]))
        do {
            let writer = Lifeline(OwnedDescriptor(ends[1]))
            try writer.send(DescriptorsPassed(identifiers: [7]), descriptors: [])
        }
        #expect(try Self.received(reader)?.0.count == 6)
        guard case .closed = try reader.receive() else {
            Issue.record("the end was not seen")
            return
        }
    }
}
