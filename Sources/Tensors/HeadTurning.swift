internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

/// What is done to each head of queries or keys: an RMS norm with one gain for all heads, then a rotation of pairs.
package struct HeadTurn: Sendable {
  /// D
  package let headWidth: Int
  /// `[D]`; nil: not normalized.
  package let gain: Slot?
  package let epsilon: Float
  /// Row p has what place p is turned by, D / 2 cosines and D / 2 sines; nil: not turned.
  package let table: Slot?

  package init(headWidth: Int, gain: Slot? = nil, epsilon: Float = 0, table: Slot? = nil) {
    self.headWidth = headWidth
    self.gain = gain
    self.epsilon = epsilon
    self.table = table
  }
}

/// At which place of its text a row stands.
package enum RowPlaces: Sendable {
  /// Row i at i mod length.
  case texts(length: Int)
  /// One place a row.
  case given(IndexSlot)
}

extension Memory {
  /// Rows whose part of a gain's gradient is summed before it is added to others: fixed, so that threads change no bit.
  package static let rowsPerHeadBand = 64

  /// y = each head of x, normalized and turned; x, y `[N, heads · D]`. y may be x.
  package func turnHeads(_ y: Slot, _ x: Slot, _ turn: HeadTurn, at places: RowPlaces) {
    check(y.rows == x.rows && y.columns == x.columns, "heads of \(x) into \(y)")
    checkHeads(x, turn, places)
    run(
      .norm, rows: y.rows,
      unsafe TurnWork(
        y: pointer(y), yRow: y.stride, x: pointer(x), xRow: x.stride, gain: turn.gain.map { unsafe pointer($0) },
        turns: turns(turn, places), epsilon: turn.epsilon, heads: x.columns / turn.headWidth, width: turn.headWidth,
        k: kernels))
  }

  /// dx, the gradient of what `turnHeads` gave, becomes that of its x; dgain `[D]` += its sum. Without a gain x is not
  /// read. `bands` `[≥ N / rowsPerHeadBand, D]` is temporary memory.
  package func turnHeadsBackward(
    _ dx: Slot, _ x: Slot, _ turn: HeadTurn, dgain: Slot?, bands: Slot, at places: RowPlaces
  ) {
    let band = Self.rowsPerHeadBand, count = (dx.rows + band - 1) / band
    check(dx.rows == x.rows && dx.columns == x.columns, "gradient \(dx) of heads of \(x)")
    check(
      dgain == nil
        || (turn.gain != nil && dgain?.count == turn.headWidth && bands.rows >= count
          && bands.columns == turn.headWidth),
      "gradient \(String(describing: dgain)) of a gain, by \(bands)")
    checkHeads(x, turn, places)
    run(
      .norm, count,
      unsafe TurnBackwardWork(
        dx: pointer(dx), dxRow: dx.stride, x: pointer(x), xRow: x.stride, rows: x.rows,
        gain: turn.gain.map { unsafe pointer($0) }, bands: dgain == nil ? nil : pointer(bands), bandRow: bands.stride,
        turns: turns(turn, places), epsilon: turn.epsilon, heads: x.columns / turn.headWidth, width: turn.headWidth,
        k: kernels))
    if let dgain { addColumnSums(dgain, bands.first(count)) }
  }

  private func checkHeads(_ x: Slot, _ turn: HeadTurn, _ places: RowPlaces) {
    let width = turn.headWidth
    check(
      width > 0 && x.columns % width == 0 && (turn.gain.map { $0.count == width } ?? true)
        && (turn.gain != nil || turn.table != nil), "heads of \(width) in \(x)")
    guard let table = turn.table else { return }
    check(table.columns == width && width % 2 == 0, "heads of \(width) turned by \(table)")
    switch places {
    case .texts(let length): check(length > 0 && length <= table.rows, "\(length) places turned by \(table)")
    case .given(let places):
      check(places.count >= x.rows, "\(places.count) places of \(x.rows) rows")
      for row in 0..<x.rows {
        let place = unsafe Int(pointer(places)[row])
        check(place >= 0 && place < table.rows, "place \(place) turned by \(table)")
      }
    }
  }

  private func turns(_ turn: HeadTurn, _ places: RowPlaces) -> Turns {
    switch places {
    case .texts(let length):
      unsafe Turns(
        table: turn.table.map { unsafe pointer($0) }, row: turn.table?.stride ?? 0, length: length, places: nil)
    case .given(let places):
      unsafe Turns(
        table: turn.table.map { unsafe pointer($0) }, row: turn.table?.stride ?? 0, length: 0, places: pointer(places))
    }
  }
}

/// The cosines and sines of each row, where rows are turned.
@safe private struct Turns {
  let table: UnsafeMutablePointer<Float>?, row: Int
  let length: Int, places: UnsafeMutablePointer<Int32>?

  func callAsFunction(_ row: Int) -> UnsafeMutablePointer<Float>? {
    let place = unsafe places.map { unsafe Int($0[row]) } ?? row % max(1, length)
    return unsafe table.map { unsafe $0 + place * self.row }
  }
}

@safe private struct TurnWork: RowWork {
  let y: UnsafeMutablePointer<Float>, yRow: Int, x: UnsafeMutablePointer<Float>, xRow: Int
  let gain: UnsafeMutablePointer<Float>?, turns: Turns, epsilon: Float
  let heads: Int, width: Int, k: Kernels
  func callAsFunction(row: Int) {
    unsafe k.table.pointee.turn_heads(y + row * yRow, x + row * xRow, gain, turns(row), epsilon, heads, width)
  }
}

@safe private struct TurnBackwardWork: ParallelWork {
  let dx: UnsafeMutablePointer<Float>, dxRow: Int, x: UnsafeMutablePointer<Float>, xRow: Int, rows: Int
  let gain: UnsafeMutablePointer<Float>?, bands: UnsafeMutablePointer<Float>?, bandRow: Int
  let turns: Turns, epsilon: Float
  let heads: Int, width: Int, k: Kernels
  func callAsFunction(_ part: Int, thread: Int) {
    let sums = unsafe bands.map { unsafe $0 + part * bandRow }
    unsafe sums?.update(repeating: 0, count: width)
    for row in part * Memory.rowsPerHeadBand..<min(rows, (part + 1) * Memory.rowsPerHeadBand) {
      unsafe k.table.pointee.turn_heads_backward(
        dx + row * dxRow, x + row * xRow, gain, sums, turns(row), epsilon, heads, width)
    }
  }
}
