import CMicro

/// One thing that is measured: made ready once, then done again and again.
struct Measurement: Sendable {
    let name: String
    /// What is done in one go, for the table.
    let unit: String
    /// How often it is done: enough that the first time does not weigh.
    let repetitions: Int
    /// Makes everything ready and returns what is measured, a function of the number of the repetition.
    let prepare: @Sendable () -> (Int) -> Void

    /// Prints the name, the repetitions and the allocations of all of them.
    func run() {
        let body = prepare()
        // What is allocated once, such as the room of an array that is used again, is not part of it.
        body(0)
        let loop = Loop(count: repetitions, body: body)
        let before = cmicro_allocations()
        cmicro_measure(
            { Unmanaged<Loop>.fromOpaque($0!).takeUnretainedValue().run() }, Unmanaged.passUnretained(loop).toOpaque())
        let count = cmicro_allocations() - before
        print(name, repetitions, count)
    }

    private final class Loop {
        let count: Int
        let body: (Int) -> Void

        init(count: Int, body: @escaping (Int) -> Void) { (self.count, self.body) = (count, body) }

        func run() {
            for number in 1...count { body(number) }
        }
    }
}
