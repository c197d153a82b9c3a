import Fuzzing
import Glibc

/// libFuzzer around one `FuzzTarget`.
enum Fuzzer {
    /// By the program's first argument; nil when there is none of that name.
    static let target = FuzzTargets.all.first { $0.name == CommandLine.arguments.dropFirst().first }

    static func writeSeeds(of target: any FuzzTarget.Type, to directory: String) {
        for (number, seed) in target.seeds.enumerated() {
            guard let file = fopen("\(directory)/seed-\(number)", "w") else { exit(2) }
            fwrite(seed, 1, seed.count, file)
            fclose(file)
        }
    }

    /// Does not come back before libFuzzer ends.
    static func run() -> CInt {
        // The name of the target is not libFuzzer's.
        var count = CommandLine.argc - 1
        var rest = CommandLine.unsafeArgv + 1
        return runFuzzer(&count, &rest) { bytes, byteCount in
            Fuzzer.test(Array(UnsafeBufferPointer(start: bytes, count: byteCount)))
            return 0
        }
    }

    private static func test(_ input: [UInt8]) {
        do {
            try target?.run(input)
        } catch {
            let text = Array("broken promise: \(error)\n".utf8)
            write(STDERR_FILENO, text, text.count)
            abort()
        }
    }
}

/// The entry of libFuzzer for programs that have a `main` of their own.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ testOneInput: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt
