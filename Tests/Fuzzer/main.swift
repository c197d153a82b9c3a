import Fuzzing
import Glibc

// For `scripts/fuzz`. `Fuzzer` lists the targets, `Fuzzer TARGET --seeds DIRECTORY` writes a target's seeds, and
// `Fuzzer TARGET [ARGUMENT...]` hands the arguments to libFuzzer.

guard let target = Fuzzer.target else {
    for target in FuzzTargets.all { print(target.name) }
    exit(CommandLine.argc == 1 ? 0 : 2)
}
if CommandLine.argc == 4, CommandLine.arguments[2] == "--seeds" {
    Fuzzer.writeSeeds(of: target, to: CommandLine.arguments[3])
    exit(0)
}
exit(Fuzzer.run())
