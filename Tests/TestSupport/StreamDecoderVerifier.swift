/// Feeds one byte stream to a decoder in every way that a network may cut it, and finds the first that decodes to
/// something else. The test says what feeding means; blocks must be gathered there, since cuts divide them.
package struct StreamDecoderVerifier<Event: Equatable & Sendable> {
    package struct Disagreement: Error, CustomStringConvertible {
        /// How the stream was cut.
        package let cut: String
        package let expected: [Event]
        package let found: [Event]

        package var description: String {
            "\(cut): expected \(expected.count) events, found \(found.count); first difference at "
                + "\(zip(expected, found).prefix { $0 == $1 }.count)"
        }
    }

    private let decode: (_ reads: [ArraySlice<UInt8>]) -> [Event]

    /// - Parameter decode: gives the reads, one after another, to a fresh decoder, and returns all it yields.
    package init(decode: @escaping (_ reads: [ArraySlice<UInt8>]) -> [Event]) { self.decode = decode }

    /// Whole, joined with itself, byte by byte, with empty reads between, and cut once at every offset.
    /// - Returns: the events of the whole stream.
    @discardableResult package func verify(_ stream: [UInt8]) throws -> [Event] {
        let expected = try verifyCuts(stream)
        try check("joined with itself", [stream[...] + stream[...]], expected + expected)
        return expected
    }

    /// As `verify`, for a stream that cannot come twice.
    @discardableResult package func verifyCuts(_ stream: [UInt8]) throws -> [Event] {
        let expected = decode([stream[...]])
        let bytes = stream.indices.map { stream[$0...$0] }
        try check("byte by byte", bytes, expected)
        try check("byte by byte with empty reads", bytes.flatMap { [[], $0, []] }, expected)
        for offset in stream.indices {
            try check("cut at \(offset)", [stream[..<offset], stream[offset...]], expected)
        }
        return expected
    }

    /// As the test cuts it, e.g. at random.
    package func verify(_ reads: [ArraySlice<UInt8>], yields expected: [Event]) throws {
        try check("cut into \(reads.count)", reads, expected)
    }

    private func check(_ cut: String, _ reads: [ArraySlice<UInt8>], _ expected: [Event]) throws {
        let found = decode(reads)
        if found != expected { throw Disagreement(cut: cut, expected: expected, found: found) }
    }
}
