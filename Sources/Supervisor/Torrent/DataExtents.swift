/// Where a file has data, and no holes: bytes in a hole were never written.
struct DataExtents: Equatable {
    /// Ascending; no two touch.
    private(set) var ranges: [Range<UInt64>] = []

    /// - Precondition: the range begins behind all others.
    mutating func append(_ range: Range<UInt64>) {
        if let last = ranges.last, range.lowerBound <= last.upperBound {
            precondition(range.lowerBound >= last.lowerBound, "extents come in ascending order")
            ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
        } else if !range.isEmpty {
            ranges.append(range)
        }
    }

    /// Whether no byte of the range is in a hole.
    func cover(_ range: Range<UInt64>) -> Bool {
        if range.isEmpty { return true }
        var low = 0, high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound <= range.lowerBound { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound <= range.lowerBound
            && range.upperBound <= ranges[low].upperBound
    }
}
