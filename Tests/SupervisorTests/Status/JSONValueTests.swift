import Foundation
import Testing

@testable import Supervisor

struct JSONValueTests {
    @Test(
        arguments: [
            (.null, "null"), (.bool(true), "true"), (.bool(false), "false"), (.integer(.min), "-9223372036854775808"),
            (.count(UInt64.max), "9223372036854775807"), (.number(0), "0.000"), (.number(1.9996), "1.999"),
            (.number(-0.5), "-0.500"), (.number(12.05), "12.050"), (.number(.nan), "null"),
            (.number(.infinity), "null"),
            (.number(1e13), "null"), (.array([]), "[]"), (.object([]), "{}"), (.array(["a", .null]), #"["a",null]"#),
            (["a": 1, "a\"": []], #"{"a":1,"a\"":[]}"#), (.optional(Int?.none), "null"),
            (.optional(String?.none), "null"),
        ] as [(JSONValue, String)])
    func valuesHaveOneForm(value: JSONValue, text: String) { #expect(value.text == text) }

    @Test(arguments: [
        ("", #""""#), ("a/b", #""a/b""#), ("\"\\\n\r\t", #""\"\\\n\r\t""#),
        ("\u{0}\u{1F}\u{7F}", #""\u0000\u001f\u007f""#),
        ("\u{9B}31m", #""\u009b31m""#), ("ü日😀", #""ü日😀""#), ("\u{202E}gpj", #""\u202egpj""#),
        ("\u{2028}", #""\u2028""#), ("\u{E0041}", #""\udb40\udc41""#), ("\r\n", #""\r\n""#),
    ])
    func stringsCannotMoveACursor(string: String, text: String) throws {
        #expect(JSONValue.string(string).text == text)
        let read = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
        #expect(read as? String == string)
    }

    @Test func objectsWrittenMemberByMemberAreTheSame() {
        var object = JSONObjectWriter(to: "")
        object.add("a \"b\"", .null)
        object.add("none", list: [])
        object.add("some", list: [.integer(1), ["x": "y"], .array([])])
        object.add("last", ["n": .number(0.5)])
        let value: JSONValue = [
            "a \"b\"": .null, "none": .array([]), "some": .array([.integer(1), ["x": "y"], .array([])]),
            "last": ["n": .number(0.5)],
        ]
        #expect(object.finished() == value.text)
        #expect(JSONObjectWriter(to: "").finished() == JSONValue.object([]).text)
    }
}

extension JSONValue: ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    init(integerLiteral value: Int64) { self = .integer(value) }
    init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}
