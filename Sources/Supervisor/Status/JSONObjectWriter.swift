/// Writes an object member by member, for lists that are too long to have their whole text in memory. The same text as
/// `JSONValue.object` has.
struct JSONObjectWriter<Stream: TextOutputStream> {
    private var stream: Stream
    private var isEmpty = true

    init(to stream: Stream) { self.stream = stream }

    mutating func add(_ key: String, _ value: JSONValue) {
        beginMember(key)
        stream.write(value.text)
    }

    mutating func add(_ key: String, list: some Sequence<JSONValue>) {
        beginMember(key)
        var separator = "["
        for value in list {
            stream.write(separator)
            stream.write(value.text)
            separator = ","
        }
        stream.write(separator == "[" ? "[]" : "]")
    }

    /// Nothing can be added any more.
    consuming func finished() -> Stream {
        stream.write(isEmpty ? "{}" : "}")
        return stream
    }

    private mutating func beginMember(_ key: String) {
        stream.write(isEmpty ? "{" : ",")
        stream.write(JSONValue.string(key).text)
        stream.write(":")
        isEmpty = false
    }
}
