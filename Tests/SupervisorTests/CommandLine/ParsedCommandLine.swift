import Testing

@testable import Supervisor

/// A command line in quiet surroundings: two cores, no home, no file, unless the test says otherwise.
struct ParsedCommandLine {
    var environment: [String: String] = [:]
    var configuration = ""
    var coreCount = 2

    func parse(_ arguments: String...) throws(UserError) -> Invocation { try parse(arguments) }

    func parse(_ arguments: [String]) throws(UserError) -> Invocation {
        let file = ConfigurationText(configuration, path: "/etc/config")
        return try CommandLineParser(
            Surroundings(environment: environment, configuration: file, coreCount: coreCount)
        ).parse(arguments)
    }

    func download(_ arguments: String...) throws -> DownloadOptions {
        guard case .download(let options) = try parse(arguments) else {
            Issue.record("\(arguments) is no download")
            throw UserError(.internalError, "", "no download")
        }
        return options
    }

    func create(_ arguments: String...) throws -> CreateOptions {
        guard case .create(let options) = try parse(["create"] + arguments) else {
            Issue.record("\(arguments) creates nothing")
            throw UserError(.internalError, "", "no create")
        }
        return options
    }

    func verify(_ arguments: String...) throws -> VerifyOptions {
        guard case .verify(let options) = try parse(["verify"] + arguments) else {
            Issue.record("\(arguments) is no verify")
            throw UserError(.internalError, "", "no verify")
        }
        return options
    }
}
