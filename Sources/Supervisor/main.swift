import Glibc

// The main thread carries everything: a worker dies with the thread that started it, and that must be the program.
let program = Program(
    download: SupervisorProcess.run(_:_:output:), verify: VerifyProcess.run(_:_:output:))
exit(program.run(Array(CommandLine.arguments.dropFirst())).rawValue)
