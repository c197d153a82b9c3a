import Testing

@testable import BitTorrent

@Suite struct MinimumHeapTests {
    @Test func elementsComeOutInOrder() {
        var random = SeedPrintingGenerator()
        for count in 0..<60 {
            var heap = MinimumHeap<Int>()
            let numbers = (0..<count).map { _ in Int.random(in: 0..<50, using: &random) }
            for number in numbers { heap.insert(number) }
            heap.removeAll { $0 % 7 == 3 }
            #expect(heap.first == numbers.filter { $0 % 7 != 3 }.min())
            var sorted: [Int] = []
            while let number = heap.removeFirst() { sorted.append(number) }
            #expect(sorted == numbers.filter { $0 % 7 != 3 }.sorted())
            #expect(heap.count == 0 && heap.first == nil)
        }
    }
}
