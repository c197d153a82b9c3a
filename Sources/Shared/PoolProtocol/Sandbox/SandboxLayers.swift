/// What keeps a worker in its room. Each layer holds by itself; what one lets through, another stops.
package struct SandboxLayers: OptionSet, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Capabilities are given up, and no program can bring new ones (`no_new_privs`).
    package static let privileges = SandboxLayers(rawValue: 1)
    /// Descriptors, file sizes, processes and memory are bounded (setrlimit).
    package static let limits = SandboxLayers(rawValue: 2)
    /// Files and directories (Landlock, kernel 5.13).
    package static let files = SandboxLayers(rawValue: 4)
    /// TCP ports (Landlock, kernel 6.7).
    package static let ports = SandboxLayers(rawValue: 8)
    /// Signals to other processes, and abstract unix sockets (Landlock, kernel 6.12).
    package static let signals = SandboxLayers(rawValue: 16)
    /// System calls (seccomp, kernel 4.14).
    package static let calls = SandboxLayers(rawValue: 32)

    package static let all: SandboxLayers = [.privileges, .limits, .files, .ports, .signals, .calls]

    private static let names: [(SandboxLayers, String)] = [
        (.privileges, "privileges"), (.limits, "limits"), (.files, "files"), (.ports, "ports"), (.signals, "signals"),
        (.calls, "calls"),
    ]

    /// The words for events and logs.
    package var words: [String] { Self.names.filter { contains($0.0) }.map(\.1) }

    /// Reads what `words` writes; nil for a word that is none.
    package init?(words: some Sequence<some StringProtocol>) {
        self = []
        for word in words {
            guard let layer = Self.names.first(where: { $0.1 == word })?.0 else { return nil }
            insert(layer)
        }
    }
}

/// How much the user wants of it.
package enum SandboxMode: UInt8, CaseIterable, Sendable {
    case off = 0
    /// All that the kernel has.
    case auto = 1
    /// All, or no worker at all.
    case strict = 2
}

/// What a worker has given up, as it stands on its status page.
package struct SandboxState: Hashable, Sendable {
    package var inForce: SandboxLayers
    /// Wanted, and not to be had.
    package var missing: SandboxLayers

    package init(inForce: SandboxLayers, missing: SandboxLayers) {
        self.inForce = inForce
        self.missing = missing
    }

    /// `full`, `partial` or `off`.
    package var name: String { inForce.isEmpty ? "off" : missing.isEmpty ? "full" : "partial" }

    /// As one word of the page, never 0.
    package var word: UInt64 { 1 << 32 | UInt64(missing.rawValue) << 16 | UInt64(inForce.rawValue) }

    /// - Returns: nil before the worker has told; bits without a meaning are dropped.
    package init?(word: UInt64) {
        guard word >> 32 == 1 else { return nil }
        inForce = SandboxLayers(rawValue: UInt16(truncatingIfNeeded: word)).intersection(.all)
        missing = SandboxLayers(rawValue: UInt16(truncatingIfNeeded: word >> 16)).intersection(.all)
    }
}
