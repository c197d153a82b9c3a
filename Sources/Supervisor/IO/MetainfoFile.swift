import BitTorrent
import SystemPackage

/// Reads the torrent that the user named, or says in one line why it is none.
enum MetainfoFile {
    /// - Parameter name: a path or a magnet link.
    static func read(_ name: UserPath) throws(UserError) -> Metainfo {
        if name.text.prefix(7).lowercased() == "magnet:" { throw refusal(ofMagnet: name.text) }
        let subject = name.description
        let bytes: [UInt8]
        do throws(RegularFile.Failure) {
            bytes = try RegularFile.read(name, limit: MetainfoParser.maximumByteCount)
        } catch {
            throw Self.error(error, subject)
        }
        do throws(MetainfoError) {
            return try MetainfoParser.parse(bytes)
        } catch {
            let reason = bytes.isEmpty ? "the file is empty" : nil
            throw UserError(
                error.isNotBencoded ? .notBencoded : .invalidTorrent, subject, error.description, because: reason)
        }
    }

    private static func error(_ failure: RegularFile.Failure, _ subject: String) -> UserError {
        switch failure {
        case .system(let code):
            UserError(.fileError, subject, "cannot be read", because: Errno(rawValue: code).description)
        case .directory: UserError(.notBencoded, subject, "not a bencoded dictionary", because: "it is a directory")
        case .special:
            UserError(.notBencoded, subject, "not a bencoded dictionary", because: "it is a pipe or a device")
        case .tooLarge:
            UserError(.notBencoded, subject, "larger than \(MetainfoParser.maximumByteCount >> 20) MiB")
        }
    }

    private static func refusal(ofMagnet text: String) -> UserError {
        let subject = TerminalText.excerpt(text, limit: 100)
        do throws(MagnetLink.Refusal) {
            _ = try MagnetLink(text)
            return UserError(.invalidTorrent, subject, "magnet links are not supported yet")
        } catch {
            return UserError(.badMagnet, subject, error.description)
        }
    }
}
