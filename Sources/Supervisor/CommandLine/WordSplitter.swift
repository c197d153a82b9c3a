/// Splits a command into words as a shell does, with quotes and backslashes, but without expanding anything.
enum WordSplitter {
    enum Refusal: Error, Equatable { case unclosedQuote, nothingAfterBackslash }

    static func words(_ text: some StringProtocol) throws(Refusal) -> [String] {
        var words: [String] = []
        /// nil between words; an empty word needs quotes.
        var word: String.UnicodeScalarView?
        var quote: Unicode.Scalar?
        var scalars = text.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            switch (scalar, quote) {
            case ("\\", nil), ("\\", "\""):
                guard let next = scalars.next() else { throw .nothingAfterBackslash }
                // Inside double quotes a backslash stays, except before what it protects.
                if quote != nil && next != "\"" && next != "\\" { word = (word ?? .init()) + [scalar] }
                word = (word ?? .init()) + [next]
            case ("'", nil), ("\"", nil):
                quote = scalar
                word = word ?? .init()
            case (_, let open?) where scalar == open: quote = nil
            case (" ", nil), ("\t", nil), ("\n", nil):
                if let finished = word { words.append(String(finished)) }
                word = nil
            default: word = (word ?? .init()) + [scalar]
            }
        }
        guard quote == nil else { throw .unclosedQuote }
        if let finished = word { words.append(String(finished)) }
        return words
    }
}
