/// What Landlock can allow below a directory, by the kernel's bits (linux/landlock.h).
struct FileRights: OptionSet, Hashable, Sendable {
    let rawValue: UInt64

    static let execute = FileRights(rawValue: 1 << 0)
    static let writeFile = FileRights(rawValue: 1 << 1)
    static let readFile = FileRights(rawValue: 1 << 2)
    static let readDirectory = FileRights(rawValue: 1 << 3)
    static let removeDirectory = FileRights(rawValue: 1 << 4)
    static let removeFile = FileRights(rawValue: 1 << 5)
    static let makeCharacterDevice = FileRights(rawValue: 1 << 6)
    static let makeDirectory = FileRights(rawValue: 1 << 7)
    static let makeRegularFile = FileRights(rawValue: 1 << 8)
    static let makeSocket = FileRights(rawValue: 1 << 9)
    static let makePipe = FileRights(rawValue: 1 << 10)
    static let makeBlockDevice = FileRights(rawValue: 1 << 11)
    static let makeLink = FileRights(rawValue: 1 << 12)
    /// To move or link between directories.
    static let refer = FileRights(rawValue: 1 << 13)
    static let truncate = FileRights(rawValue: 1 << 14)
    static let controlDevice = FileRights(rawValue: 1 << 15)

    /// All that a version of Landlock knows; what it does not know it does not forbid.
    static func known(toVersion version: Int) -> FileRights {
        var rights = FileRights(rawValue: (1 << 13) - 1)
        if version >= 2 { rights.insert(.refer) }
        if version >= 3 { rights.insert(.truncate) }
        if version >= 5 { rights.insert(.controlDevice) }
        return rights
    }
}
