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
        functions: kernels.functions(activation)))
  }

  /// y = activation(x) ⊙ factor
  package func gate(_ y: Slot, _ x: Slot, times factor: Slot, _ activation: Activation) {
    check(
      y.rows == x.rows && y.columns == x.columns && factor.rows == x.rows && factor.columns == x.columns,
      "\(activation) of \(x) times \(factor) into \(y)")
    run(
      .activation, rows: y.rows,
      unsafe Gate(
        y: pointer(y), yRow: y.stride, x: pointer(x), xRow: x.stride, factor: pointer(factor),
        factorRow: factor.stride, n: y.columns, functions: kernels.functions(activation)))
  }

  /// y `[1, N]` += the sum of the rows of x.
  package func addColumnSums(_ y: Slot, _ x: Slot) {
    check(y.count == x.columns, "column sums of \(x) into \(y)")
    runColumns(
      .other, x.columns,
      unsafe ColumnSums(y: pointer(y), x: pointer(x), rows: x.rows, row: x.stride, columns: x.columns, k: kernels))
  }

  func run<Rows: RowWork>(_ kind: WorkKind = .other, rows: Int, _ work: Rows) {
    run(kind, (rows + rowsPerPart - 1) / rowsPerPart, Bands(work: work, rows: rows))
  }

  func runColumns<Columns: ParallelWork>(_ kind: WorkKind, _ columns: Int, _ work: Columns) {
    run(kind, (columns + columnsPerPart - 1) / columnsPerPart, work)
  }
}

/// Columns of a part that sums over rows: a few cache lines, so that every sum runs down the rows in one order.
let columnsPerPart = 64

func columnRange(_ part: Int, of columns: Int) -> Range<Int> {
  part * columnsPerPart..<min(columns, (part + 1) * columnsPerPart)
}

protocol RowWork {
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
  let functions: minigpt_activation
  func callAsFunction(row: Int) {
    unsafe functions.forward(y + row * yRow, x + row * xRow, n)
  }
}

@safe private struct Gate: RowWork {
  let y: UnsafeMutablePointer<Float>, yRow: Int, x: UnsafeMutablePointer<Float>, xRow: Int
  let factor: UnsafeMutablePointer<Float>, factorRow: Int, n: Int
  let functions: minigpt_activation
  func callAsFunction(row: Int) {
    unsafe functions.gate(y + row * yRow, x + row * xRow, factor + row * factorRow, n)
  }
}

@safe private struct ColumnSums: ParallelWork {
  let y: UnsafeMutablePointer<Float>, x: UnsafeMutablePointer<Float>, rows: Int, row: Int, columns: Int, k: Kernels
  func callAsFunction(_ part: Int, thread: Int) {
    let range = columnRange(part, of: columns), first = range.lowerBound
    unsafe k.table.pointee.add_column_sums(y + first, x + first, rows, row, range.count)
  }
}
