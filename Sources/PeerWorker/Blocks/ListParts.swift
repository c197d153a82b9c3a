extension Array {
    /// The list in pieces of at most `count` entries, as messages carry it; none when it is empty.
    func parts(ofAtMost count: Int) -> [[Element]] {
        if self.count <= count { return isEmpty ? [] : [self] }
        return stride(from: 0, to: self.count, by: count).map { Array(self[$0..<Swift.min($0 + count, self.count)]) }
    }
}
