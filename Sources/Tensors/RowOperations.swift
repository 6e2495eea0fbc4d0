internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

// Operations on the rows of matrices, each in one pass over memory, cut into bands of rows for the threads.

/// A band of rows: what one part of a row operation does.
private let rowsPerPart = 16

extension Memory {
  /// y = x
  package func copy(_ y: Slot, _ x: Slot) {
    check(y.rows == x.rows && y.columns == x.columns, "copy \(x) to \(y)")
    run(rows: y.rows, unsafe Copy(y: pointer(y), yRow: y.stride, x: pointer(x), xRow: x.stride, n: y.columns))
  }

  /// y += x
  package func add(_ y: Slot, _ x: Slot) {
    check(y.rows == x.rows && y.columns == x.columns, "add \(x) to \(y)")
    run(
      rows: y.rows, unsafe Add(y: pointer(y), yRow: y.stride, x: pointer(x), xRow: x.stride, n: y.columns, k: kernels))
  }

  package func scale(_ x: Slot, _ factor: Float) {
    run(rows: x.rows, unsafe Scale(x: pointer(x), row: x.stride, factor: factor, n: x.columns, k: kernels))
  }

  /// Zeros a whole slot, in parallel.
  package func clear(_ x: Slot) {
    run(rows: x.rows, unsafe Clear(x: pointer(x), row: x.stride, n: x.columns))
  }

  /// y = activation(x)
  package func activate(_ y: Slot, _ x: Slot, _ activation: Activation) {
    check(y.rows == x.rows && y.columns == x.columns, "\(activation) of \(x) into \(y)")
    run(
      .activation, rows: y.rows,
      unsafe Activate(
        y: pointer(y), yRow: y.stride, x: pointer(x), xRow: x.stride, n: y.columns,
        function: kernels.forward(activation)))
  }

  /// Where mean and 1/σ of each row go, `[rows, 2]`, or come from.
  package enum NormStatistics: Sendable {
    case compute(epsilon: Float, into: Slot)
    case reuse(Slot)

    var slot: Slot {
      switch self {
      case .compute(_, let slot), .reuse(let slot): slot
      }
    }

    var epsilon: Float? {
      switch self {
      case .compute(let epsilon, _): epsilon
      case .reuse: nil
      }
    }
  }

  /// y = layerNorm(x).
  package func layerNorm(_ y: Slot, _ x: Slot, gain: Slot, bias: Slot, _ statistics: NormStatistics) {
    let slot = statistics.slot
    check(
      y.rows == x.rows && y.columns == x.columns && gain.count == x.columns && bias.count == x.columns
        && slot.rows == x.rows && slot.columns == 2 && slot.isContiguous,
      "layer norm of \(x) into \(y), statistics \(slot)")
    run(
      .norm, rows: y.rows,
      unsafe Norm(
        y: pointer(y), yRow: y.stride, x: pointer(x), xRow: x.stride, gain: pointer(gain), bias: pointer(bias),
        statistics: pointer(slot), epsilon: statistics.epsilon, n: y.columns, k: kernels))
  }

  /// dx += the gradient through `layerNorm`.
  package func layerNormBackward(_ dx: Slot, _ dy: Slot, _ x: Slot, gain: Slot, statistics: Slot) {
    check(
      dx.rows == x.rows && dx.columns == x.columns && dy.rows == x.rows && dy.columns == x.columns
        && gain.count == x.columns && statistics.rows == x.rows && statistics.columns == 2 && statistics.isContiguous,
      "layer norm backward of \(dy) at \(x) into \(dx)")
    run(
      .norm, rows: x.rows,
      unsafe NormBackward(
        dx: pointer(dx), dxRow: dx.stride, dy: pointer(dy), dyRow: dy.stride, x: pointer(x), xRow: x.stride,
        gain: pointer(gain), statistics: pointer(statistics), n: x.columns, k: kernels))
  }

  /// dgain += Σ dy · x̂, dbias += Σ dy over the rows.
  package func layerNormParameters(_ dgain: Slot, _ dbias: Slot, _ dy: Slot, _ x: Slot, statistics: Slot) {
    check(
      dy.rows == x.rows && dy.columns == x.columns && dgain.count == x.columns && dbias.count == x.columns
        && statistics.rows == x.rows && statistics.columns == 2 && statistics.isContiguous,
      "layer norm parameters of \(dy) at \(x)")
    runColumns(
      .norm, x.columns,
      unsafe NormParameters(
        dgain: pointer(dgain), dbias: pointer(dbias), dy: pointer(dy), dyRow: dy.stride, x: pointer(x), xRow: x.stride,
        statistics: pointer(statistics), rows: x.rows, columns: x.columns, k: kernels))
  }

  /// y `[1, N]` += the sum of the rows of x.
  package func addColumnSums(_ y: Slot, _ x: Slot) {
    check(y.count == x.columns, "column sums of \(x) into \(y)")
    runColumns(
      .other, x.columns,
      unsafe ColumnSums(y: pointer(y), x: pointer(x), rows: x.rows, row: x.stride, columns: x.columns, k: kernels))
  }

  private func run<Rows: RowWork>(_ kind: WorkKind = .other, rows: Int, _ work: Rows) {
    run(kind, (rows + rowsPerPart - 1) / rowsPerPart, Bands(work: work, rows: rows))
  }

  private func runColumns<Columns: ParallelWork>(_ kind: WorkKind, _ columns: Int, _ work: Columns) {
    run(kind, (columns + columnsPerPart - 1) / columnsPerPart, work)
  }
}

/// Columns of a part that sums over rows: a few cache lines, so that every sum runs down the rows in one order.
let columnsPerPart = 64

func columnRange(_ part: Int, of columns: Int) -> Range<Int> {
  part * columnsPerPart..<min(columns, (part + 1) * columnsPerPart)
}

private protocol RowWork {
  func callAsFunction(row: Int)
}

private struct Bands<Work: RowWork>: ParallelWork {
  let work: Work
  let rows: Int

  func callAsFunction(_ part: Int, thread: Int) {
    for row in part * rowsPerPart..<min(rows, (part + 1) * rowsPerPart) { work(row: row) }
  }
}

@safe private struct Copy: RowWork {
  let y: UnsafeMutablePointer<Float>, yRow: Int, x: UnsafeMutablePointer<Float>, xRow: Int, n: Int
  func callAsFunction(row: Int) { unsafe (y + row * yRow).update(from: x + row * xRow, count: n) }
}

@safe private struct Add: RowWork {
  let y: UnsafeMutablePointer<Float>, yRow: Int, x: UnsafeMutablePointer<Float>, xRow: Int, n: Int, k: Kernels
  func callAsFunction(row: Int) { unsafe k.table.pointee.add(y + row * yRow, x + row * xRow, n) }
}

@safe private struct Scale: RowWork {
  let x: UnsafeMutablePointer<Float>, row: Int, factor: Float, n: Int, k: Kernels
  func callAsFunction(row: Int) { unsafe k.table.pointee.scale(x + row * self.row, factor, n) }
}

@safe private struct Clear: RowWork {
  let x: UnsafeMutablePointer<Float>, row: Int, n: Int
  func callAsFunction(row: Int) { unsafe (x + row * self.row).update(repeating: 0, count: n) }
}

@safe private struct Activate: RowWork {
  let y: UnsafeMutablePointer<Float>, yRow: Int, x: UnsafeMutablePointer<Float>, xRow: Int, n: Int
  let function: Kernels.RowFunction
  func callAsFunction(row: Int) {
    unsafe function(y + row * yRow, x + row * xRow, n)
  }
}

@safe private struct Norm: RowWork {
  let y: UnsafeMutablePointer<Float>, yRow: Int, x: UnsafeMutablePointer<Float>, xRow: Int
  let gain: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>, statistics: UnsafeMutablePointer<Float>
  /// Nil where the statistics are there already.
  let epsilon: Float?
  let n: Int, k: Kernels
  func callAsFunction(row: Int) {
    let y = unsafe y + row * yRow, x = unsafe x + row * xRow, statistics = unsafe statistics + 2 * row
    if let epsilon {
      unsafe k.table.pointee.layer_norm(y, x, gain, bias, epsilon, statistics, n)
    } else {
      unsafe k.table.pointee.layer_norm_again(y, x, gain, bias, statistics, n)
    }
  }
}

@safe private struct NormBackward: RowWork {
  let dx: UnsafeMutablePointer<Float>, dxRow: Int, dy: UnsafeMutablePointer<Float>, dyRow: Int
  let x: UnsafeMutablePointer<Float>, xRow: Int, gain: UnsafeMutablePointer<Float>
  let statistics: UnsafeMutablePointer<Float>, n: Int, k: Kernels
  func callAsFunction(row: Int) {
    unsafe k.table.pointee.layer_norm_backward(
      dx + row * dxRow, dy + row * dyRow, x + row * xRow, gain, statistics + 2 * row, n)
  }
}

@safe private struct NormParameters: ParallelWork {
  let dgain: UnsafeMutablePointer<Float>, dbias: UnsafeMutablePointer<Float>
  let dy: UnsafeMutablePointer<Float>, dyRow: Int, x: UnsafeMutablePointer<Float>, xRow: Int
  let statistics: UnsafeMutablePointer<Float>, rows: Int, columns: Int, k: Kernels
  func callAsFunction(_ part: Int, thread: Int) {
    let range = columnRange(part, of: columns), first = range.lowerBound
    unsafe k.table.pointee.layer_norm_parameters(
      dgain + first, dbias + first, dy + first, dyRow, x + first, xRow, statistics, rows, range.count)
  }
}

@safe private struct ColumnSums: ParallelWork {
  let y: UnsafeMutablePointer<Float>, x: UnsafeMutablePointer<Float>, rows: Int, row: Int, columns: Int, k: Kernels
  func callAsFunction(_ part: Int, thread: Int) {
    let range = columnRange(part, of: columns), first = range.lowerBound
    unsafe k.table.pointee.add_column_sums(y + first, x + first, rows, row, range.count)
  }
}
