/// What the user asked for in a pool that only hashes: that of `verify` and of `create`.
struct HashingOptions: Equatable {
    /// The result as one JSON object on stdout.
    var isJSON: Bool
    /// 1 … 64; every core unless the user said otherwise.
    var hashWorkers: Int
    /// A core for each worker; nil: when there are as many cores as workers.
    var pins: Bool?
    var sandbox = SandboxOptions()
    var output: OutputOptions
    var diagnosis: DiagnosisOptions
    var environment: [String: String]
}

extension CommandLineParser {
    func hashing(_ reader: OptionReader, isJSON: Bool) throws(UserError) -> HashingOptions {
        let environment = surroundings.environment
        return HashingOptions(
            isJSON: isJSON,
            hashWorkers: try reader.integer(.hashWorkers, in: 1...64) ?? min(max(surroundings.coreCount, 1), 64),
            pins: try reader.isPinned(), sandbox: try reader.sandbox(environment: environment),
            output: try reader.output(), diagnosis: try reader.diagnosis(environment: environment),
            environment: environment)
    }
}
