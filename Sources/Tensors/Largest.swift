internal import MiniGPTCKernels
internal import MiniGPTPlatform

/// A number of a row and its place.
package struct RankedNumber: Equatable, Sendable {
  package let place: Int32
  package let number: Float
}

extension Memory {
  /// The largest numbers of a row of x that are above a floor, the largest first; of equal ones that in the lower place.
  package func largest(
    _ x: Slot, row: Int, _ count: Int, above floor: Float = -.infinity, into best: inout [RankedNumber]
  ) {
    check(row >= 0 && row < x.rows && count > 0, "\(count) of row \(row) of \(x)")
    let numbers = unsafe pointer(x) + row * x.stride, table = unsafe kernels.table
    // Most blocks hold nothing that counts, and their maximum says so.
    let block = 32
    best.removeAll(keepingCapacity: true)
    var least = floor
    for start in stride(from: 0, to: x.columns, by: block) {
      let end = min(start + block, x.columns)
      if unsafe table.pointee.maximum(numbers + start, end - start) <= least { continue }
      for place in start..<end {
        let number = unsafe numbers[place]
        if !(number > least) { continue }
        if best.count < count { best.append(RankedNumber(place: 0, number: 0)) }
        // Those that are smaller make room.
        var rank = best.count - 1
        while rank > 0 && !(best[rank - 1].number >= number) {
          best[rank] = best[rank - 1]
          rank -= 1
        }
        best[rank] = RankedNumber(place: Int32(place), number: number)
        if best.count == count { least = best[count - 1].number }
      }
    }
  }
}
