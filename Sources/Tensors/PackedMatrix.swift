internal import CKernels
package import Parallel
internal import Platform

/// Weights `[K, N]` made once for reading in one stream: panels of 32 columns, K after K. `Decoding.h` has the layout.
///
/// Unchecked: written by `init` alone.
@safe package final class PackedMatrix: @unchecked Sendable {
  package let type: WeightType
  /// K and N.
  package let inputs: Int
  package let outputs: Int
  let panelBytes: Int
  private let arena: Arena

  static let panel = Int(MINIGPT_PANEL)
  static let block = WeightType.block

  /// Bytes of a source that are packed before its rows are given back, where panels need some rows only.
  private static let bytesAtOnce = 8 << 20

  /// Packs a stored matrix, or its transposed, panel by panel on the threads of `pool`; `done` gets the rows of the source
  /// that were read for the last time.
  package init(
    _ source: StoredMatrix, transposed: Bool, as type: WeightType, pool: WorkerPool, kernels: Kernels,
    done: (Range<Int>) -> Void = { _ in }
  ) {
    self.type = type
    inputs = transposed ? source.columns : source.rows
    outputs = transposed ? source.rows : source.columns
    panelBytes =
      switch type {
      case .fp32: inputs * 4 * Self.panel
      case .bf16: (inputs + 1) / 2 * 4 * Self.panel
      case .f16: inputs * 2 * Self.panel
      case .int8: (inputs + Self.block - 1) / Self.block * (4 * Self.panel + Self.block * Self.panel)
      }
    let panels = (outputs + Self.panel - 1) / Self.panel
    arena = Arena(count: (panels * panelBytes + 3) / 4)
    let padded = (inputs + Self.block - 1) / Self.block * Self.block
    let scratch = Arena(count: pool.threads * ((type == .fp32 ? 0 : padded * Self.panel) + inputs))
    let step = transposed ? max(1, Self.bytesAtOnce / max(1, 4 * inputs * Self.panel)) : panels
    for first in stride(from: 0, to: panels, by: max(1, step)) {
      let count = min(step, panels - first)
      pool.run(
        count,
        unsafe PackWork(
          source: source, transposed: transposed, type: type, inputs: inputs, outputs: outputs, padded: padded,
          first: first, base: UnsafeMutableRawPointer(arena.base), panelBytes: panelBytes, scratch: scratch.base,
          kernels: kernels))
      if transposed { done(first * Self.panel..<min(outputs, (first + count) * Self.panel)) }
    }
    if !transposed { done(0..<source.rows) }
  }

  package var byteCount: Int { (outputs + Self.panel - 1) / Self.panel * panelBytes }

  /// Where the panel that begins with column `32 · index` lies.
  func panel(_ index: Int) -> UnsafeRawPointer { unsafe UnsafeRawPointer(arena.base) + index * panelBytes }
}

@safe private struct PackWork: ParallelWork {
  let source: StoredMatrix, transposed: Bool, type: WeightType
  let inputs: Int, outputs: Int, padded: Int
  /// The panel that is part 0.
  let first: Int
  let base: UnsafeMutableRawPointer, panelBytes: Int
  let scratch: UnsafeMutablePointer<Float>
  let kernels: Kernels

  func callAsFunction(_ part: Int, thread: Int) {
    let width = PackedMatrix.panel, panel = self.first + part, first = panel * width
    let last = min(outputs, first + width), target = unsafe base + panel * panelBytes
    if type == .fp32 {
      unsafe gather(first..<last, into: target.assumingMemoryBound(to: Float.self), line: scratch + thread * inputs)
      return
    }
    let buffer = unsafe scratch + thread * (padded * width + inputs)  // [K, 32], zeros where there is no column
    unsafe gather(first..<last, into: buffer, line: buffer + padded * width)
    switch type {
    case .fp32: break
    case .bf16: unsafe packPairs(buffer, into: target.assumingMemoryBound(to: UInt16.self))
    case .f16:
      unsafe kernels.decoding.pointee.to_f16(target.assumingMemoryBound(to: UInt16.self), buffer, inputs * width)
    case .int8: unsafe packBlocks(buffer, into: target)
    }
  }

  private func gather(
    _ columns: Range<Int>, into buffer: UnsafeMutablePointer<Float>, line: UnsafeMutablePointer<Float>
  ) {
    let width = PackedMatrix.panel
    if type != .fp32, columns.count < width || padded > inputs {
      unsafe buffer.update(repeating: 0, count: padded * width)
    }
    if transposed {
      for column in columns {
        unsafe source.read(column, 0..<inputs, into: line)
        let target = unsafe buffer + (column - columns.lowerBound)
        for k in 0..<inputs { unsafe target[k * width] = line[k] }
      }
    } else {
      for k in 0..<inputs { unsafe source.read(k, columns, into: buffer + k * width) }
    }
  }

  /// Rows 2k and 2k + 1 side by side, column by column.
  private func packPairs(_ buffer: UnsafeMutablePointer<Float>, into target: UnsafeMutablePointer<UInt16>) {
    let width = PackedMatrix.panel
    unsafe withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 2 * width) { pair in
      guard let pair = pair.baseAddress else { return }
      for k in stride(from: 0, to: inputs, by: 2) {
        unsafe kernels.decoding.pointee.to_bf16(pair, buffer + k * width, 2 * width)
        if k + 1 == inputs { unsafe (pair + width).update(repeating: 0, count: width) }
        let row = unsafe target + k * width
        for j in 0..<width {
          unsafe row[2 * j] = pair[j]
          unsafe row[2 * j + 1] = pair[width + j]
        }
      }
    }
  }

  /// For each block of inputs the scales of the columns, then the numbers, four inputs of a column side by side.
  private func packBlocks(_ buffer: UnsafeMutablePointer<Float>, into target: UnsafeMutableRawPointer) {
    let width = PackedMatrix.panel, block = PackedMatrix.block
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * width) { scratch in
      guard let largest = scratch.baseAddress else { return }
      let inverse = unsafe largest + width
      var place = unsafe target
      for first in stride(from: 0, to: padded, by: block) {
        let rows = unsafe buffer + first * width
        unsafe largest.update(repeating: 0, count: width)
        for k in 0..<block {
          for j in 0..<width { unsafe largest[j] = max(largest[j], abs(rows[k * width + j])) }
        }
        let scales = unsafe place.assumingMemoryBound(to: Float.self)
        for j in 0..<width {
          unsafe scales[j] = largest[j] * Int8Rounding.step
          unsafe inverse[j] = Int8Rounding.inverse(largest[j])
        }
        let bytes = unsafe (place + 4 * width).assumingMemoryBound(to: UInt8.self)
        for k in 0..<block {
          let four = unsafe bytes + k / 4 * 4 * width + k % 4
          for j in 0..<width {
            let number = unsafe Int8Rounding.nearest(rows[k * width + j] * inverse[j])
            unsafe four[4 * j] = UInt8(truncatingIfNeeded: number &+ 128)
          }
        }
        unsafe place += 4 * width + block * width
      }
    }
  }
}

/// q = round(w · 127 / max|w|): the numbers of int8, here and in files.
package enum Int8Rounding {
  package static var step: Float { 1 / 127 }

  @inline(__always) package static func inverse(_ largest: Float) -> Float { largest > 0 ? 127 / largest : 0 }

  /// To the nearest, ties to even, for |x| up to 127: adding 1.5 · 2^23 leaves the whole number in the last bits.
  @inline(__always) package static func nearest(_ x: Float) -> Int32 {
    Int32(bitPattern: (x + 12_582_912).bitPattern &- Float(12_582_912).bitPattern)
  }
}
