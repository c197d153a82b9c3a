extension FixedWidthInteger {
    /// Reads decimal digits and nothing else; the standard library's own takes a sign as well. nil too for an empty text and
    /// for a number that does not fit.
    package init?(digits text: some StringProtocol) {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        self.init(text)
    }
}
