import Glibc
import PoolRuntime
import Testing

@testable import Supervisor

@Suite struct SymbolTableTests {
    /// The file of this very program.
    private static let ourselves: [UInt8] = {
        let descriptor = open("/proc/self/exe", O_RDONLY)
        defer { close(descriptor) }
        var information = stat()
        fstat(descriptor, &information)
        return [UInt8](unsafeUninitializedCapacity: Int(information.st_size)) { buffer, count in
            while count < buffer.count {
                let step = pread(descriptor, buffer.baseAddress! + count, buffer.count - count, off_t(count))
                guard step > 0 else { return }
                count += step
            }
        }
    }()

    @Test func aFunctionOfARealProgramIsFoundAnywhereInIt() throws {
        try Self.ourselves.withUnsafeBytes { bytes in
            let table = try #require(SymbolTable(bytes))
            let start = try #require(Self.entryPoint(bytes))
            #expect(table.functions(at: [start, start + 1, 1]) == ["_start", "_start", nil])
        }
    }

    private static func entryPoint(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        bytes.count > 32 ? bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self) : nil
    }

    @Test func whatIsNoProgramHasNoTable() {
        for bytes in [[], Array("#!/bin/sh\n".utf8), Array(Self.ourselves.prefix(63))] as [[UInt8]] {
            bytes.withUnsafeBytes { #expect(SymbolTable($0) == nil) }
        }
    }

    /// Headers that point anywhere read nothing beyond the file.
    @Test(arguments: 0..<200) func flippedHeadersNeverTrap(round: Int) {
        var bytes = Array(Self.ourselves.prefix(4096))
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<8 {
            bytes[Int.random(in: 24..<64, using: &generator)] = .random(in: 0 ... .max, using: &generator)
        }
        bytes.withUnsafeBytes { buffer in
            let table = SymbolTable(buffer)
            _ = table?.functions(at: [0, 4096, .max])
            _ = table?.address(ofFileOffset: .max)
            _ = table?.baseAddress
        }
    }

    @Test func namesAreReadable() {
        #expect(StackLine.readable("epoll_wait") == "epoll_wait")
        #expect(StackLine.readable("$s11PoolRuntime0A4LoopC3runyyF") == "PoolRuntime.PoolLoop.run() -> ()")
        #expect(StackLine.readable(String(repeating: "a", count: 500)).count == 140)
    }
}
