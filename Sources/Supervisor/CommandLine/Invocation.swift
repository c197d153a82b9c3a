/// What the command line comes to.
enum Invocation: Equatable {
    case download(DownloadOptions)
    case verify(VerifyOptions)
    case create(CreateOptions)
    case show(ShowOptions)
    /// A word to a running supervisor.
    case control(ControlInvocation)
    /// Help, the version, a completion script: text for stdout, and nothing else to do.
    case print(String)
}

/// Where a command is run: all that a default may depend on.
struct Surroundings {
    var environment: [String: String]
    /// What `$XDG_CONFIG_HOME/swarmkeeper/config` says.
    var configuration: ConfigurationText
    /// Cores that this process may use; at least 1.
    var coreCount: Int
}
