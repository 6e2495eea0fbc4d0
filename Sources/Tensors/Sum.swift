extension Memory {
  /// The sum of a column `[N, 1]`, row after row in double precision.
  package func sum(_ column: Slot) -> Double {
    let base = unsafe pointer(column)
    var sum = 0.0
    for r in 0..<column.rows { sum += unsafe Double(base[r * column.stride]) }
    return sum
  }
}
