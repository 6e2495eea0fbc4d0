internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

// Layer norms and RMS norms of rows, their ways back, and what these tell their parameters.

extension Memory {
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
  package func layerNorm(_ y: Slot, _ x: Slot, gain: Slot, bias: Slot?, _ statistics: NormStatistics) {
    let slot = statistics.slot
    check(
      y.rows == x.rows && y.columns == x.columns && gain.count == x.columns && (bias?.count ?? x.columns) == x.columns
        && slot.rows == x.rows && slot.columns == 2 && slot.isContiguous,
      "layer norm of \(x) into \(y), statistics \(slot)")
    run(
      .norm, rows: y.rows,
      unsafe Norm(
        y: pointer(y), yRow: y.stride, x: pointer(x), xRow: x.stride, gain: pointer(gain),
        bias: bias.map { unsafe pointer($0) },
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
  package func layerNormParameters(_ dgain: Slot, _ dbias: Slot?, _ dy: Slot, _ x: Slot, statistics: Slot) {
    check(
      dy.rows == x.rows && dy.columns == x.columns && dgain.count == x.columns
        && (dbias?.count ?? x.columns) == x.columns
        && statistics.rows == x.rows && statistics.columns == 2 && statistics.isContiguous,
      "layer norm parameters of \(dy) at \(x)")
    runColumns(
      .norm, x.columns,
      unsafe NormParameters(
        dgain: pointer(dgain), dbias: dbias.map { unsafe pointer($0) }, dy: pointer(dy), dyRow: dy.stride,
        x: pointer(x), xRow: x.stride,
        statistics: pointer(statistics), rows: x.rows, columns: x.columns, k: kernels))
  }

  /// y = gain · x / √(mean(x²) + ε), row by row.
  package func rmsNorm(_ y: Slot, _ x: Slot, gain: Slot, _ statistics: NormStatistics) {
    let slot = statistics.slot
    check(
      y.rows == x.rows && y.columns == x.columns && gain.count == x.columns && slot.count == x.rows
        && slot.isContiguous, "RMS norm of \(x) into \(y), statistics \(slot)")
    run(
      .norm, rows: y.rows,
      unsafe RMSNormWork(
        y: pointer(y), yRow: y.stride, x: pointer(x), xRow: x.stride, gain: pointer(gain), rstd: pointer(slot),
        epsilon: statistics.epsilon, n: y.columns, k: kernels))
  }

  /// dx += the gradient through `rmsNorm`.
  package func rmsNormBackward(_ dx: Slot, _ dy: Slot, _ x: Slot, gain: Slot, statistics: Slot) {
    check(
      dx.rows == x.rows && dx.columns == x.columns && dy.rows == x.rows && dy.columns == x.columns
        && gain.count == x.columns && statistics.count == x.rows && statistics.isContiguous,
      "RMS norm backward of \(dy) at \(x) into \(dx)")
    run(
      .norm, rows: x.rows,
      unsafe RMSNormBackwardWork(
        dx: pointer(dx), dxRow: dx.stride, dy: pointer(dy), dyRow: dy.stride, x: pointer(x), xRow: x.stride,
        gain: pointer(gain), rstd: pointer(statistics), n: x.columns, k: kernels))
  }

  /// dgain += Σ dy · x̂ over the rows.
  package func rmsNormParameters(_ dgain: Slot, _ dy: Slot, _ x: Slot, statistics: Slot) {
    check(
      dy.rows == x.rows && dy.columns == x.columns && dgain.count == x.columns && statistics.count == x.rows
        && statistics.isContiguous, "RMS norm parameters of \(dy) at \(x)")
    runColumns(
      .norm, x.columns,
      unsafe RMSNormParametersWork(
        dgain: pointer(dgain), dy: pointer(dy), dyRow: dy.stride, x: pointer(x), xRow: x.stride,
        rstd: pointer(statistics), rows: x.rows, columns: x.columns, k: kernels))
  }
}

@safe private struct Norm: RowWork {
  let y: UnsafeMutablePointer<Float>, yRow: Int, x: UnsafeMutablePointer<Float>, xRow: Int
  let gain: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>?, statistics: UnsafeMutablePointer<Float>
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
  let dgain: UnsafeMutablePointer<Float>, dbias: UnsafeMutablePointer<Float>?
  let dy: UnsafeMutablePointer<Float>, dyRow: Int, x: UnsafeMutablePointer<Float>, xRow: Int
  let statistics: UnsafeMutablePointer<Float>, rows: Int, columns: Int, k: Kernels
  func callAsFunction(_ part: Int, thread: Int) {
    let range = columnRange(part, of: columns), first = range.lowerBound
    unsafe k.table.pointee.layer_norm_parameters(
      dgain + first, dbias.map { unsafe $0 + first }, dy + first, dyRow, x + first, xRow, statistics, rows, range.count)
  }
}

@safe private struct RMSNormWork: RowWork {
  let y: UnsafeMutablePointer<Float>, yRow: Int, x: UnsafeMutablePointer<Float>, xRow: Int
  let gain: UnsafeMutablePointer<Float>, rstd: UnsafeMutablePointer<Float>
  /// Nil where the statistics are there already.
  let epsilon: Float?
  let n: Int, k: Kernels
  func callAsFunction(row: Int) {
    let y = unsafe y + row * yRow, x = unsafe x + row * xRow
    if let epsilon {
      unsafe k.table.pointee.rms_norm(y, x, gain, epsilon, rstd + row, n)
    } else {
      unsafe k.table.pointee.rms_norm_again(y, x, gain, rstd + row, n)
    }
  }
}

@safe private struct RMSNormBackwardWork: RowWork {
  let dx: UnsafeMutablePointer<Float>, dxRow: Int, dy: UnsafeMutablePointer<Float>, dyRow: Int
  let x: UnsafeMutablePointer<Float>, xRow: Int, gain: UnsafeMutablePointer<Float>
  let rstd: UnsafeMutablePointer<Float>, n: Int, k: Kernels
  func callAsFunction(row: Int) {
    unsafe k.table.pointee.rms_norm_backward(dx + row * dxRow, dy + row * dyRow, x + row * xRow, gain, rstd + row, n)
  }
}

@safe private struct RMSNormParametersWork: ParallelWork {
  let dgain: UnsafeMutablePointer<Float>
  let dy: UnsafeMutablePointer<Float>, dyRow: Int, x: UnsafeMutablePointer<Float>, xRow: Int
  let rstd: UnsafeMutablePointer<Float>, rows: Int, columns: Int, k: Kernels
  func callAsFunction(_ part: Int, thread: Int) {
    let range = columnRange(part, of: columns), first = range.lowerBound
    unsafe k.table.pointee.rms_norm_parameters(
      dgain + first, dy + first, dyRow, x + first, xRow, rstd, rows, range.count)
  }
}
