import BitTorrent
import Testing

struct FileSelectionTests {
    private func indices(_ text: String, of fileCount: Int = 6) throws -> [Int] {
        let selection = try FileSelection(parsing: text, fileCount: fileCount)
        return (0..<fileCount).filter { selection.contains($0) }
    }

    @Test(arguments: [
        ("1", [0]), ("6", [5]), ("1,3-5", [0, 2, 3, 4]), ("3-3", [2]), ("1-6", [0, 1, 2, 3, 4, 5]),
        ("2,2,1-2", [0, 1]),
        (" 1 , 3 - 4 ", [0, 2, 3]), ("1,,2,", [0, 1]), ("01", [0]),
    ])
    func numbersAndRangesCountFromOne(text: String, expected: [Int]) throws {
        #expect(try indices(text) == expected)
    }

    @Test(arguments: [
        ("", FileSelection.Refusal.empty), (" , ", .empty), ("x", .notANumber("x")), ("1,b", .notANumber("b")),
        ("-3", .notANumber("-3")),
        ("3-", .notANumber("3-")), ("1-2-3", .notANumber("1-2-3")), ("1.5", .notANumber("1.5")),
        ("+1", .notANumber("+1")),
        ("5-3", .reversedRange("5-3")), ("0", .outOfRange("0", fileCount: 6)),
        ("0-2", .outOfRange("0-2", fileCount: 6)),
        ("7", .outOfRange("7", fileCount: 6)), ("1-7", .outOfRange("1-7", fileCount: 6)),
        ("1-99999999999999999999", .outOfRange("1-99999999999999999999", fileCount: 6)),
        ("99999999999999999999", .outOfRange("99999999999999999999", fileCount: 6)),
    ])
    func otherTextsAreRefusedByName(text: String, refusal: FileSelection.Refusal) {
        #expect(throws: refusal) { try FileSelection(parsing: text, fileCount: 6) }
    }

    @Test func everythingIsEverything() throws {
        #expect(FileSelection.all(fileCount: 3).isEverything)
        #expect(try FileSelection(parsing: "1-3", fileCount: 3).isEverything)
        #expect(try !FileSelection(parsing: "1-2", fileCount: 3).isEverything)
        #expect(FileSelection(indices: [0, 2], fileCount: 3) == (try FileSelection(parsing: "1,3", fileCount: 3)))
    }
}
