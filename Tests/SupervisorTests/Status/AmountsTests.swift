import Testing

@testable import Supervisor

struct AmountsTests {
    @Test(
        arguments: [
            (0, "0 B", "0"), (1, "1 B", "1"), (1023, "1023 B", "1023"), (1024, "1.0 KiB", "1.0K"),
            (1535, "1.4 KiB", "1.4K"), (1536, "1.5 KiB", "1.5K"), (1 << 20, "1.0 MiB", "1.0M"),
            ((1 << 20) - 1, "1023.9 KiB", "1023.9K"), (64 << 30, "64.0 GiB", "64.0G"), (1 << 48, "256.0 TiB", "256.0T"),
            (.max, "15.9 EiB", "15.9E"),
        ] as [(UInt64, String, String)])
    func bytesAreRoundedDown(count: UInt64, text: String, short: String) {
        #expect(Amounts.bytes(count) == text)
        #expect(Amounts.shortBytes(count) == short)
    }

    @Test func ratiosHaveTwoDecimalsAndAreRoundedDown() {
        #expect(Amounts.ratio(0, to: 0) == "0.00" && Amounts.ratio(5, to: 0) == "0.00")
        #expect(Amounts.ratio(1999, to: 1000) == "1.99" && Amounts.ratio(1, to: 1000) == "0.00")
        #expect(Amounts.ratio(.max, to: 1) == "1000000.00")
    }

    @Test func aPartIsInTheUnitOfTheWhole() {
        #expect(Amounts.part(100, of: 3 << 30) == "0.0/3.0 GiB")
        #expect(Amounts.part(3 << 29, of: 3 << 30) == "1.5/3.0 GiB")
        #expect(Amounts.shortPart(512, of: 1000) == "512/1000")
        #expect(Amounts.part(0, of: 0) == "0/0 B")
    }

    @Test(
        arguments: [
            (0, 0, "100.0%"), (0, 1, "0.0%"), (1, 1, "100.0%"), (1, 3, "33.3%"), (2, 3, "66.6%"),
            (999_999, 1_000_000, "99.9%"),
            (5, 4, "100.0%"), (.max - 1, .max, "99.9%"),
        ] as [(UInt64, UInt64, String)])
    func aHundredPercentIsAll(count: UInt64, total: UInt64, text: String) {
        #expect(Amounts.percent(count, of: total) == text)
    }

    @Test(arguments: [
        (-1, "0s"), (0, "0s"), (59, "59s"), (60, "1m00s"), (83, "1m23s"), (3599, "59m59s"), (3600, "1h00m"),
        (7500, "2h05m"), (86400, "1d00h"), (273_600, "3d04h"), (99 * 86400, "99d00h"), (.max, "over 99d"),
    ])
    func durationsHaveTwoUnits(seconds: Int, text: String) { #expect(Amounts.duration(seconds: seconds) == text) }

    @Test(arguments: [
        (0, "0 B/s"), (0.9, "0 B/s"), (1536, "1.5 KiB/s"), (-1, "0 B/s"), (.nan, "0 B/s"), (.infinity, "0 B/s"),
        (1e300, "0 B/s"),
    ])
    func oddRatesAreZero(rate: Double, text: String) { #expect(Amounts.rate(rate) == text) }

    @Test func nounsAgreeWithTheirNumber() {
        #expect(Amounts.counted(1, "peer") == "1 peer")
        #expect(Amounts.counted(0, "peer") == "0 peers")
    }

    @Test(arguments: [
        (0, "1970-01-01 00:00:00 UTC"), (951_782_400, "2000-02-29 00:00:00 UTC"),
        (951_868_799, "2000-02-29 23:59:59 UTC"), (1_709_251_199, "2024-02-29 23:59:59 UTC"),
        (4_107_542_400, "2100-03-01 00:00:00 UTC"), (253_402_300_799, "9999-12-31 23:59:59 UTC"),
    ])
    func secondsAreADate(seconds: Int64, text: String) { #expect(CivilTime.text(seconds) == text) }

    @Test(arguments: [-1, Int64.min, 253_402_300_800, .max])
    func nonsenseIsNoDate(seconds: Int64) { #expect(CivilTime.text(seconds) == nil) }
}
