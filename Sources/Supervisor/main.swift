import Glibc

// The main thread carries everything: a worker dies with the thread that started it, and that must be the program.
let program = Program(
    download: SupervisorProcess.run(_:_:output:), verify: VerifyProcess.run(_:_:output:),
    create: CreateProcess.run(_:output:))
// As bytes: `CommandLine.arguments` has lost those that are no text.
let arguments = UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: Int(CommandLine.argc)).dropFirst()
    .compactMap { $0.map { UnsafeBufferPointer(start: $0, count: strlen($0)).map { UInt8(bitPattern: $0) } } }
exit(program.run(arguments.map { ArgumentText.encoded($0) }).rawValue)
