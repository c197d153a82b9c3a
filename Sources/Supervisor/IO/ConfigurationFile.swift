import BitTorrent
import Glibc
import SystemPackage

/// Finds and reads `$XDG_CONFIG_HOME/swarmkeeper/config`.
enum ConfigurationFile {
    /// More than anybody writes by hand (a guess).
    private static let limit = 1 << 20

    /// What it says, or nothing when there is none.
    static func read(_ environment: [String: String]) throws(UserError) -> ConfigurationText {
        guard let path = path(environment) else { return ConfigurationText() }
        let problem: String
        do throws(RegularFile.Failure) {
            let bytes = try RegularFile.read(UserPath(path), limit: limit)
            return ConfigurationText(String(decoding: bytes, as: UTF8.self), path: path)
        } catch {
            switch error {
            case .system(ENOENT), .system(ENOTDIR): return ConfigurationText()
            case .system(let code): problem = Errno(rawValue: code).description
            case .directory: problem = "it is a directory"
            case .special: problem = "it is a pipe or a device"
            case .tooLarge: problem = "it is larger than \(limit >> 20) MiB"
            }
        }
        throw UserError(.fileError, TerminalText.escaped(path), "cannot be read", because: problem)
    }

    /// By the XDG base directory specification; relative paths there mean nothing.
    private static func path(_ environment: [String: String]) -> String? {
        if let base = environment["XDG_CONFIG_HOME"], base.hasPrefix("/") { return "\(base)/swarmkeeper/config" }
        if let home = environment["HOME"], home.hasPrefix("/") { return "\(home)/.config/swarmkeeper/config" }
        return nil
    }
}
