import CLinux
import Glibc
import PoolRuntime
import SystemPackage
import Testing

@Suite struct RegionMappingTests {
    @Test func regionCanNeitherShrinkNorGrowNorBeUnsealed() throws {
        let region = try RegionMapping.makeRegion(name: "test", byteCount: 65536)
        #expect(ftruncate(region.rawValue, 4096) == -1 && errno == EPERM)
        #expect(ftruncate(region.rawValue, 1 << 20) == -1 && errno == EPERM)
        var information = stat()
        #expect(fstat(region.rawValue, &information) == 0)
        #expect(information.st_size == 65536)
    }

    @Test func whatOneMappingWritesTheOtherReads() throws {
        let region = try RegionMapping.makeRegion(name: "test", byteCount: 65536)
        let writer = try RegionMapping(descriptor: region.rawValue, byteCount: 65536, access: .readWrite)
        let reader = try RegionMapping(descriptor: region.rawValue, byteCount: 65536, access: .readOnly)
        writer.base.storeBytes(of: 0xDEAD_BEEF, toByteOffset: 40_000, as: UInt32.self)
        #expect(reader.bytes.load(fromByteOffset: 40_000, as: UInt32.self) == 0xDEAD_BEEF)
    }

    @Test func sealedBytesComeBackAndCannotBeChanged() throws {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let sealed = try RegionMapping.makeSealed(name: "test", bytes)
        #expect(try RegionMapping.contents(of: sealed.rawValue) == bytes)
        var one: UInt8 = 1
        #expect(pwrite(sealed.rawValue, &one, 1, 0) == -1 && errno == EPERM)
        #expect(throws: SystemCallError.self) {
            try RegionMapping(descriptor: sealed.rawValue, byteCount: bytes.count, access: .readWrite)
        }
    }
}
