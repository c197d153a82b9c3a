extension FixedWidthInteger {
    /// Reads decimal digits and nothing else; the standard library's own takes a sign as well. nil too for an empty text and
    /// for a number that does not fit.
    package init?(digits text: some StringProtocol) {
        self.init(digits: text.utf8)
    }

    /// Likewise, from ASCII.
    package init?(digits bytes: some Collection<UInt8>) {
        guard !bytes.isEmpty else { return nil }
        self = 0
        for byte in bytes {
            guard (0x30...0x39).contains(byte) else { return nil }
            let (shifted, isTooLong) = multipliedReportingOverflow(by: 10)
            let (sum, isTooLarge) = shifted.addingReportingOverflow(Self(byte - 0x30))
            guard !isTooLong, !isTooLarge else { return nil }
            self = sum
        }
    }
}
