import BitTorrent
import CSHA1
import Glibc
import Testing

/// All kernels compute the same, and read no byte that is not theirs. What this CPU cannot run is cancelled by name.
@Suite struct SHA1KernelTests {
    /// A kernel as an argument of a test; shown by its name.
    struct Kernel: CustomTestStringConvertible, Sendable {
        let number: UInt32
        var value: csha1_kernel { csha1_kernel(number) }
        var name: String { csha1_kernel_name(value).map { String(cString: $0) } ?? "none" }
        var testDescription: String { name }

        static let all = (0..<UInt32(CSHA1_KERNEL_COUNT)).map(Kernel.init(number:))

        /// Cancels the case on a CPU without the kernel. Prints it as well: the console keeps quiet about single cases.
        func requireSupport(_ test: String = #function) throws {
            if csha1_kernel_is_supported(value) { return }
            print("not run: \(name) in \(test), this CPU lacks it")
            try Test.cancel("this CPU lacks \(name)")
        }
    }

    /// Advances copies of `states` with one kernel; nil if it refuses.
    static func advance(
        _ states: [[UInt32]], over data: [UnsafePointer<UInt8>?], blockCount: Int, with kernel: csha1_kernel
    ) -> [[UInt32]]? {
        var words = states.flatMap { $0 }
        let obeyed = words.withUnsafeMutableBufferPointer { words in
            let pointers = states.indices.map { Optional(words.baseAddress! + 5 * $0) }
            return csha1_compress_lanes_with(kernel, pointers, data, UInt32(states.count), blockCount)
        }
        guard obeyed else { return nil }
        return states.indices.map { Array(words[(5 * $0)..<(5 * $0 + 5)]) }
    }

    @Test(arguments: Kernel.all) func kernelMatchesThePortableOneOnEveryLength(kernel: Kernel) throws {
        try kernel.requireSupport()
        var random = SeededBytes()
        for byteCount in 0...300 {
            let lanes = Int.random(in: 1...16, using: &random)
            // Each lane has an alignment and a beginning of its own, and its data may overlap the others'.
            let memory = random.bytes(byteCount + 256)
            let states = (0..<lanes).map { _ in (0..<5).map { _ in UInt32(truncatingIfNeeded: random.next()) } }
            let offsets = (0..<lanes).map { _ in Int.random(in: 0...256, using: &random) }
            memory.withUnsafeBufferPointer { memory in
                let data = offsets.map { Optional(memory.baseAddress! + $0) }
                let expected = Self.advance(states, over: data, blockCount: byteCount / 64, with: CSHA1_KERNEL_SCALAR)
                let actual = Self.advance(states, over: data, blockCount: byteCount / 64, with: kernel.value)
                #expect(actual == expected, "\(byteCount) bytes, \(lanes) lanes, seed \(random.seed)")
                #expect(actual != nil)
            }
        }
    }

    @Test(arguments: Kernel.all) func kernelReproducesThePublishedVectorsInEveryLane(kernel: Kernel) throws {
        try kernel.requireSupport()
        for vector in SHA1Tests.published {
            let padded = Self.padded(Array(vector.message.utf8))
            for lanes in 1...16 {
                let words = padded.withUnsafeBufferPointer { padded in
                    Self.advance(
                        .init(repeating: Self.initial, count: lanes),
                        over: .init(repeating: padded.baseAddress, count: lanes),
                        blockCount: padded.count / 64, with: kernel.value)
                }
                let right = words?.filter { Self.hex($0) == vector.digest }
                #expect(right?.count == lanes, "\(lanes) lanes of \(vector.message)")
            }
        }
    }

    @Test(arguments: Kernel.all) func extremeWordsDoNotUpsetTheCarries(kernel: Kernel) throws {
        try kernel.requireSupport()
        for (byte, word) in [(UInt8.max, UInt32.max), (0, .max), (.max, 0), (0x80, 0x8000_0000)] {
            let memory = [UInt8](repeating: byte, count: 1_024)
            let states = [[UInt32]](repeating: .init(repeating: word, count: 5), count: 16)
            memory.withUnsafeBufferPointer { memory in
                let data = [UnsafePointer<UInt8>?](repeating: memory.baseAddress, count: 16)
                let expected = Self.advance(states, over: data, blockCount: 16, with: CSHA1_KERNEL_SCALAR)
                #expect(Self.advance(states, over: data, blockCount: 16, with: kernel.value) == expected)
            }
        }
    }

    @Test(arguments: Kernel.all) func noByteOutsideTheDataIsTouched(kernel: Kernel) throws {
        try kernel.requireSupport()
        // A readable page between two that trap; blocks lie against its beginning and its end.
        let page = sysconf(Int32(_SC_PAGESIZE))
        let memory = try #require(mmap(nil, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        defer { munmap(memory, 3 * page) }
        try #require(mprotect(memory + page, page, PROT_READ | PROT_WRITE) == 0)
        let first = (memory + page).assumingMemoryBound(to: UInt8.self)
        for lanes in 1...16 {
            for start in [first, first + page - 3 * 64] {
                let data = [UnsafePointer<UInt8>?](repeating: UnsafePointer(start), count: lanes)
                let states = [[UInt32]](repeating: Self.initial, count: lanes)
                #expect(Self.advance(states, over: data, blockCount: 3, with: kernel.value)?.count == lanes)
            }
        }
    }

    @Test func anUnknownKernelIsRefused() {
        let unknown = csha1_kernel(UInt32(CSHA1_KERNEL_COUNT))
        #expect(!csha1_kernel_is_supported(unknown))
        #expect(csha1_kernel_name(unknown) == nil)
        #expect(csha1_kernel_lanes(unknown) == 0)
        #expect(Self.advance([Self.initial], over: [nil], blockCount: 0, with: unknown) == nil)
    }

    @Test func reportNamesThePortableKernelFirst() {
        #expect(SHA1Kernels.supported.first == "scalar")
        #expect(Set(SHA1Kernels.supported).isSubset(of: Kernel.all.map(\.name)))
    }

    // MARK: SHA-1 spelled out once more, so that the vectors test the kernels and nothing else

    static let initial: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]

    static func padded(_ message: [UInt8]) -> [UInt8] {
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        for shift in stride(from: 56, through: 0, by: -8) {
            padded.append(UInt8(truncatingIfNeeded: (UInt64(message.count) * 8) >> UInt64(shift)))
        }
        return padded
    }

    static func hex(_ words: [UInt32]) -> String {
        Digest(words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) } }).hex
    }
}
