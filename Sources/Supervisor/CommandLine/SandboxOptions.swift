import PoolProtocol

/// What the user asked for in the workers' lock-down.
struct SandboxOptions: Equatable {
    var mode = SandboxMode.auto
    /// All but in tests of a single layer.
    var layers = SandboxLayers.all
    /// nil: the workers stay whoever we are.
    var user: String?

    /// Selects layers, so that tests can try each by itself; means nothing unless `Attack.key` unlocks it.
    static let layersVariable = "SWARMKEEPER_SANDBOX_LAYERS"
}

extension OptionReader {
    private enum Word: String, CaseIterable {
        case auto, strict, off

        var mode: SandboxMode {
            switch self {
            case .auto: .auto
            case .strict: .strict
            case .off: .off
            }
        }
    }

    func sandbox(environment: [String: String]) throws(UserError) -> SandboxOptions {
        var options = SandboxOptions(mode: try choice(.sandbox, of: Word.self)?.mode ?? .auto, user: try text(.user))
        if environment[Attack.key] == "1", let words = environment[SandboxOptions.layersVariable] {
            guard let layers = SandboxLayers(words: words.split(separator: ",")) else {
                throw UserError(.badOption, SandboxOptions.layersVariable, "names no layers")
            }
            options.layers = layers
        }
        return options
    }
}
