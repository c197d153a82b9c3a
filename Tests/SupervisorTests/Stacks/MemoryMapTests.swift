import Testing

@testable import Supervisor

@Suite struct MemoryMapTests {
    @Test func executablePartsOfFilesAreKeptAndOtherLinesPassedOver() {
        let map = MemoryMap(
            """
            55d0c0000000-55d0c0010000 r--p 00000000 fe:00 131 /usr/bin/peer worker
            55d0c0010000-55d0c0020000 r-xp 00010000 fe:00 131                        /usr/bin/peer worker
            7f0000000000-7f0000001000 r-xp 00000000 00:00 0 [vdso]
            7f0000002000-7f0000001000 r-xp 00000000 00:00 1 /upside/down
            rubbish

            """)
        #expect(
            map.parts == [
                MemoryMap.Part(
                    addresses: 0x55d0_c001_0000..<0x55d0_c002_0000, fileOffset: 0x10000, path: "/usr/bin/peer worker")
            ])
        #expect(map.part(at: 0x55d0_c001_ffff) == map.parts[0])
        #expect(map.part(at: 0x55d0_c002_0000) == nil)
    }
}
