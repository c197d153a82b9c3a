/// `micro` lists what can be measured, `micro NAME` does it once. scripts/bench-micro runs it under callgrind.
let measurements = Measurement.wire + Measurement.session + Measurement.pool
if CommandLine.arguments.count == 2 {
    guard let chosen = measurements.first(where: { $0.name == CommandLine.arguments[1] }) else {
        fatalError("no measurement of that name")
    }
    chosen.run()
} else {
    for measurement in measurements { print("\(measurement.name)\t\(measurement.unit)") }
}
