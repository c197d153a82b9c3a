/// Takes the URLs of a torrent or a magnet link one after another: what cannot be used is skipped with a warning, a
/// repeated one in silence, and the number is bounded.
struct URLCollector {
    /// As many as are announced to anyway.
    static let limit = AnnounceTiers.mostTrackers
    /// Good or bad; a list of a million bad ones is not worth reading. A guess.
    private static let readLimit = 1_000
    private var readCount = 0
    private var seen: Set<String> = []
    private var hasWarnedOfLimit = false

    /// - Returns: nil when the value is no new, usable tracker.
    mutating func tracker(
        _ raw: ArraySlice<UInt8>?, field: @autoclosure () -> String, log: inout WarningLog
    ) -> TrackerURL? {
        guard let text = text(raw, field: field(), log: &log) else { return nil }
        do throws(TrackerURLError) {
            let url = try TrackerURL(text)
            return seen.insert(url.text).inserted ? url : nil
        } catch {
            log.add(.trackerSkipped(field: field(), error))
            return nil
        }
    }

    /// - Returns: nil when the value is no new, usable web seed.
    mutating func webSeed(
        _ raw: ArraySlice<UInt8>?, field: @autoclosure () -> String, log: inout WarningLog
    ) -> WebSeedURL? {
        guard let text = text(raw, field: field(), log: &log) else { return nil }
        guard let url = WebSeedURL(text) else {
            log.add(.webSeedSkipped(field: field()))
            return nil
        }
        return seen.insert(url.text).inserted ? url : nil
    }

    private mutating func text(
        _ raw: ArraySlice<UInt8>?, field: @autoclosure () -> String, log: inout WarningLog
    ) -> String? {
        guard let raw else {
            log.add(.fieldIgnored(field()))
            return nil
        }
        readCount += 1
        guard seen.count < Self.limit, readCount <= Self.readLimit else {
            if !hasWarnedOfLimit { log.add(.tooManyURLs(field: field(), limit: Self.limit)) }
            hasWarnedOfLimit = true
            return nil
        }
        // One byte more than is accepted, so that a huge one is refused as too long without a copy of it.
        return String(decoding: raw.prefix(TrackerURL.longestByteCount + 1), as: UTF8.self)
    }
}
