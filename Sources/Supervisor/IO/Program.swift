import BitTorrent
import CLinux
import Glibc
import PoolRuntime

/// The whole program from its arguments to its exit code; what needs a pool is carried out by what it is given.
struct Program {
    let download: (DownloadOptions, [Metainfo], Output) -> ExitCode
    let verify: (VerifyOptions, Metainfo, Output) -> ExitCode
    let create: (CreateOptions, Output) -> ExitCode

    /// Of one torrent, on the terminal; `show` tells them all.
    private static let mostWarnings = 5

    /// - Parameter arguments: without the program's name, encoded by `ArgumentText`.
    func run(_ arguments: [String]) -> ExitCode {
        StandardStreams.fillGaps()
        _ = clinux_ignore_signal(SIGPIPE)
        // So that a disk quota of this kind is an error with a name and not the end of the process.
        _ = clinux_ignore_signal(SIGXFSZ)
        DescriptorLimit.raise()
        do throws(UserError) {
            let environment = Self.environment()
            let configuration = try ConfigurationFile.read(environment)
            let surroundings = Surroundings(
                environment: environment, configuration: configuration, coreCount: Self.coreCount())
            switch try CommandLineParser(surroundings).parse(arguments) {
            case .print(let text): return try Self.print(environment) { $0.write(text + "\n") }
            case .show(let options): return try show(options, environment)
            case .control(let invocation): return try ControlClient(invocation, environment).run()
            case .download(let options) where options.showsFiles: return try showFiles(options)
            case .download(let options): return try download(options, warnings: configuration.warnings)
            case .verify(let options): return try verify(options, warnings: configuration.warnings)
            case .create(let options):
                let output = try Output(options.hashing.output, environment: options.hashing.environment)
                for warning in configuration.warnings { output.emit(.warning(warning)) }
                return create(options, output)
            }
        } catch {
            StandardStreams.complain(error.description)
            return error.code
        }
    }

    private func show(_ options: ShowOptions, _ environment: [String: String]) throws(UserError) -> ExitCode {
        let metainfo = try MetainfoFile.read(options.torrent)
        let report = ShowReport(metainfo: metainfo)
        if options.isJSON { return try Self.print(environment) { report.writeJSON(to: &$0) } }
        for warning in metainfo.warnings {
            StandardStreams.complain("warning: \(Self.line(warning, of: options.torrent))")
        }
        return try Self.print(environment) { report.writeText(to: &$0) }
    }

    private func showFiles(_ options: DownloadOptions) throws(UserError) -> ExitCode {
        var reports: [ShowReport] = []
        for torrent in options.torrents { reports.append(ShowReport(metainfo: try MetainfoFile.read(torrent))) }
        return try Self.print(options.environment) { stream in
            for report in reports {
                stream.write("\(TerminalText.escaped(report.metainfo.name.relative)):\n")
                report.writeFiles(to: &stream)
            }
        }
    }

    private func download(_ options: DownloadOptions, warnings: [String]) throws(UserError) -> ExitCode {
        let output = try Output(options.output, environment: options.environment)
        for warning in warnings { output.emit(.warning(warning)) }
        do throws(UserError) {
            var inputs: [Metainfo] = []
            for torrent in options.torrents { inputs.append(try Self.read(torrent, output)) }
            return download(options, inputs, output)
        } catch {
            return output.finish(error.code, reason: error.description, summary: nil)
        }
    }

    private func verify(_ options: VerifyOptions, warnings: [String]) throws(UserError) -> ExitCode {
        let output = try Output(options.hashing.output, environment: options.hashing.environment)
        for warning in warnings { output.emit(.warning(warning)) }
        do throws(UserError) {
            return verify(options, try Self.read(options.torrent, output), output)
        } catch {
            return output.finish(error.code, reason: error.description, summary: nil)
        }
    }

    private static func read(_ torrent: UserPath, _ output: Output) throws(UserError) -> Metainfo {
        let metainfo = try MetainfoFile.read(torrent)
        for warning in metainfo.warnings.prefix(mostWarnings) { output.emit(.warning(line(warning, of: torrent))) }
        let more = metainfo.warnings.count - mostWarnings
        if more > 0 {
            output.emit(.warning("\(torrent): \(more) more warnings, see supervisor show"))
        }
        return metainfo
    }

    private static func line(_ warning: MetainfoWarning, of torrent: UserPath) -> String {
        "\(torrent): \(warning)"
    }

    /// What was asked for, on stdout.
    private static func print(
        _ environment: [String: String], _ write: (inout StandardOutput) -> Void
    ) throws(UserError) -> ExitCode {
        var stream = StandardOutput(isPlain: isatty(STDOUT_FILENO) == 1 && !Terminal.isUTF8(environment))
        write(&stream)
        try stream.finish()
        return .complete
    }

    private static func coreCount() -> Int {
        var cores: [UInt32] = []
        return max(1, Int(clinux_usable_cores(&cores, 0)))
    }

    /// Of variables that are given twice the first counts, as for `getenv`.
    private static func environment() -> [String: String] {
        var variables: [String: String] = [:]
        var next = clinux_environment()
        while let entry = next?.pointee {
            let text = String(cString: entry)
            let name = text.prefix { $0 != "=" }
            if name.endIndex < text.endIndex, variables[String(name)] == nil {
                variables[String(name)] = String(text[name.endIndex...].dropFirst())
            }
            next = next?.advanced(by: 1)
        }
        return variables
    }
}
