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

    @Test func whoIsToReadItAloneCannotMakeItWritable() throws {
        let region = try RegionMapping.makeRegion(name: "test", byteCount: 65536)
        let shared = try RegionMapping.readOnly(region.rawValue)
        let reader = try RegionMapping(descriptor: shared.rawValue, byteCount: 65536, access: .readOnly)
        #expect(mprotect(reader.base, 65536, PROT_READ | PROT_WRITE) == -1 && errno == EACCES)
        #expect(throws: SystemCallError.self) {
            try RegionMapping(descriptor: shared.rawValue, byteCount: 65536, access: .readWrite)
        }
        // The owner's can: the other way round shows that it is the descriptor that counts.
        let owner = try RegionMapping(descriptor: region.rawValue, byteCount: 65536, access: .readOnly)
        #expect(mprotect(owner.base, 65536, PROT_READ | PROT_WRITE) == 0)
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
