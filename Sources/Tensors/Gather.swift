internal import MiniGPTCKernels
internal import MiniGPTParallel
internal import MiniGPTPlatform

// Rows picked out of a table by token ids, and gradients added back to them.

extension Memory {
  /// y[b·T + t] = scale · table[ids[b·T + t]] (+ positions[t]), y `[B·T, C]`.
  package func gather(_ y: Slot, _ ids: IndexSlot, table: Slot, scale: Float, positions: Slot?, length: Int) {
    check(
      ids.count == y.rows && table.columns == y.columns && length > 0
        && (positions.map { $0.columns == y.columns && $0.rows >= min(length, y.rows) } ?? true),
      "\(ids) of \(table) into \(y), positions \(String(describing: positions))")
    for i in 0..<ids.count { checkRow(ids, i, table) }
    run(
      .embedding,
      (y.rows + 31) / 32,
      unsafe GatherWork(
        y: pointer(y), ySlot: y, ids: pointer(ids), table: pointer(table), tableRow: table.stride, scale: scale,
        positions: positions.map { unsafe pointer($0) }, positionRow: positions?.stride ?? 0, length: length, k: kernels
      ))
  }

  /// gradient[ids[i]] += scale · dy[i], in the order of i for each row, whatever the threads.
  package func scatterAdd(_ gradient: Slot, _ ids: IndexSlot, _ dy: Slot, scale: Float) {
    check(ids.count == dy.rows && gradient.columns == dy.columns, "\(dy) by \(ids) into \(gradient)")
    for i in 0..<ids.count { checkRow(ids, i, gradient) }
    run(
      .embedding,
      (dy.columns + columnsPerPart - 1) / columnsPerPart,
      unsafe ScatterWork(
        gradient: pointer(gradient), row: gradient.stride, ids: pointer(ids), dy: pointer(dy), dySlot: dy, scale: scale,
        k: kernels))
  }

  /// gradient[t] += Σ_b dy[b·T + t].
  package func addOverBatch(_ gradient: Slot, _ dy: Slot, length: Int) {
    check(
      length > 0 && gradient.rows >= length && gradient.columns == dy.columns, "\(dy) over \(length) into \(gradient)")
    run(
      .embedding,
      (length + 7) / 8,
      unsafe OverBatchWork(
        gradient: pointer(gradient), row: gradient.stride, dy: pointer(dy), dySlot: dy, length: length, k: kernels))
  }

  @inline(__always) private func checkRow(_ ids: IndexSlot, _ i: Int, _ table: Slot) {
    let id = unsafe pointer(ids)[i]
    check(id >= 0 && id < table.rows, "token \(id) of a table with \(table.rows) rows")
  }
}

@safe private struct GatherWork: ParallelWork {
  let y: UnsafeMutablePointer<Float>, ySlot: Slot
  let ids: UnsafeMutablePointer<Int32>
  let table: UnsafeMutablePointer<Float>, tableRow: Int, scale: Float
  let positions: UnsafeMutablePointer<Float>?, positionRow: Int
  let length: Int
  let k: Kernels

  func callAsFunction(_ part: Int, thread: Int) {
    for r in part * 32..<min(ySlot.rows, (part + 1) * 32) {
      let target = unsafe y + r * ySlot.stride
      unsafe target.update(from: table + Int(ids[r]) * tableRow, count: ySlot.columns)
      if scale != 1 { unsafe k.table.pointee.scale(target, scale, ySlot.columns) }
      if let positions = unsafe positions {
        unsafe k.table.pointee.add(target, positions + r % length * positionRow, ySlot.columns)
      }
    }
  }
}

@safe private struct ScatterWork: ParallelWork {
  let gradient: UnsafeMutablePointer<Float>, row: Int
  let ids: UnsafeMutablePointer<Int32>
  let dy: UnsafeMutablePointer<Float>, dySlot: Slot, scale: Float
  let k: Kernels

  func callAsFunction(_ part: Int, thread: Int) {
    let range = columnRange(part, of: dySlot.columns)
    for i in 0..<dySlot.rows {
      unsafe k.table.pointee.add_scaled(
        gradient + Int(ids[i]) * row + range.lowerBound, dy + i * dySlot.stride + range.lowerBound, scale, range.count)
    }
  }
}

@safe private struct OverBatchWork: ParallelWork {
  let gradient: UnsafeMutablePointer<Float>, row: Int
  let dy: UnsafeMutablePointer<Float>, dySlot: Slot
  let length: Int
  let k: Kernels

  func callAsFunction(_ part: Int, thread: Int) {
    for t in part * 8..<min(length, (part + 1) * 8) {
      for r in stride(from: t, to: dySlot.rows, by: length) {
        unsafe k.table.pointee.add(gradient + t * row, dy + r * dySlot.stride, dySlot.columns)
      }
    }
  }
}
