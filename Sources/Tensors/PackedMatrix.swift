internal import MiniGPTCKernels
internal import MiniGPTPlatform

/// Weights `[K, N]` made once for reading in one stream: panels of 32 columns, K after K. `Decoding.h` has the layout.
///
/// Unchecked: written by `pack` alone, each piece once and before anybody reads.
@safe package final class PackedMatrix: @unchecked Sendable {
  package let type: NumberFormat
  /// K and N.
  package let inputs: Int
  package let outputs: Int
  let panelBytes: Int
  private let arena: Arena

  static let panel = Int(MINIGPT_PANEL)
  static let block = NumberFormat.block

  /// A place for packed weights.
  init(inputs: Int, outputs: Int, as type: NumberFormat) {
    self.type = type
    self.inputs = inputs
    self.outputs = outputs
    panelBytes =
      switch type {
      case .fp32: inputs * 4 * Self.panel
      case .bf16: (inputs + 1) / 2 * 4 * Self.panel
      case .f16: inputs * 2 * Self.panel
      case .int8: (inputs + Self.block - 1) / Self.block * (4 * Self.panel + Self.block * Self.panel)
      case .int4: (inputs + Self.block - 1) / Self.block * (4 * Self.panel + Self.block / 2 * Self.panel)
      }
    arena = Arena(count: (Self.panels(outputs) * panelBytes + 3) / 4)
  }

  package var byteCount: Int { Self.panels(outputs) * panelBytes }

  /// The same without an owner, for as long as somebody holds this object.
  var panels: PackedPanels {
    unsafe PackedPanels(type: type, base: UnsafeRawPointer(arena.base), panelBytes: panelBytes)
  }

  private static func panels(_ outputs: Int) -> Int { (outputs + panel - 1) / panel }

  /// The rows of a stored matrix, or of its transposed, in pieces of about a megabyte that can be packed one by one, on any
  /// thread: whole blocks of inputs or whole panels.
  static func pieces(of source: StoredMatrix, transposed: Bool) -> [Range<Int>] {
    let unit = transposed ? panel : block
    let step = max(1, (1 << 20) / max(1, 4 * source.columns * unit)) * unit
    return stride(from: 0, to: source.rows, by: step).map { $0..<min(source.rows, $0 + step) }
  }

  /// Packs one of the pieces.
  func pack(_ rows: Range<Int>, of source: StoredMatrix, transposed: Bool, kernels: Kernels) {
    let panels = transposed ? rows.lowerBound / Self.panel..<Self.panels(rows.upperBound) : 0..<Self.panels(outputs)
    let blocks = transposed ? 0..<inputs : rows
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: (Self.block + 2) * Self.panel) { scratch in
      guard let scratch = scratch.baseAddress else { return }
      let tile = unsafe PackedTile(
        source: source, transposed: transposed, type: type, numbers: scratch, line: scratch + Self.block * Self.panel,
        kernels: kernels)
      for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: Self.block) {
        for index in panels {
          let column = index * Self.panel
          unsafe tile.pack(
            inputs: first..<min(inputs, first + Self.block), columns: column..<min(outputs, column + Self.panel),
            into: UnsafeMutableRawPointer(arena.base) + index * panelBytes)
        }
      }
    }
  }
}

/// Where packed weights lie.
@safe struct PackedPanels {
  let type: NumberFormat
  fileprivate let base: UnsafeRawPointer
  fileprivate let panelBytes: Int

  /// Where the panel that begins with column `32 · index` lies.
  func panel(_ index: Int) -> UnsafeRawPointer { unsafe base + index * panelBytes }
}

/// Packs 64 inputs of 32 columns at a time.
@safe private struct PackedTile {
  let source: StoredMatrix, transposed: Bool, type: NumberFormat
  /// `[64, 32]`, zeros where there is no input or no column, and behind it 64 more.
  let numbers: UnsafeMutablePointer<Float>
  let line: UnsafeMutablePointer<Float>
  let kernels: Kernels

  private static let width = PackedMatrix.panel
  private static let block = PackedMatrix.block

  func pack(inputs: Range<Int>, columns: Range<Int>, into panel: UnsafeMutableRawPointer) {
    let width = Self.width, first = inputs.lowerBound
    if type == .fp32 {
      return unsafe gather(inputs, columns, into: panel.assumingMemoryBound(to: Float.self) + first * width)
    }
    if columns.count < width || inputs.count < Self.block {
      unsafe numbers.update(repeating: 0, count: Self.block * width)
    }
    unsafe gather(inputs, columns, into: numbers)
    switch type {
    case .fp32: break
    case .bf16: unsafe packPairs(inputs.count, into: panel.assumingMemoryBound(to: UInt16.self) + first * width)
    case .f16:
      let target = unsafe panel.assumingMemoryBound(to: UInt16.self) + first * width
      unsafe kernels.decoding.pointee.to_f16(target, numbers, inputs.count * width)
    case .int8: unsafe packBlock(into: panel + first / Self.block * (4 + Self.block) * width)
    case .int4: unsafe packHalves(into: panel + first / Self.block * (4 + Self.block / 2) * width)
    }
  }

  private func gather(_ inputs: Range<Int>, _ columns: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    let width = Self.width
    if !transposed { return unsafe source.read(inputs, columns, into: target, stride: width) }
    for (index, column) in columns.enumerated() {
      unsafe source.read(column, inputs, into: line)
      for k in 0..<inputs.count { unsafe target[k * width + index] = line[k] }
    }
  }

  /// Rows 2k and 2k + 1 side by side, column by column.
  private func packPairs(_ inputs: Int, into target: UnsafeMutablePointer<UInt16>) {
    let width = Self.width
    unsafe withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 2 * width) { pair in
      guard let pair = pair.baseAddress else { return }
      for k in stride(from: 0, to: inputs, by: 2) {
        unsafe kernels.decoding.pointee.to_bf16(pair, numbers + k * width, 2 * width)
        let row = unsafe target + k * width
        for j in 0..<width {
          unsafe row[2 * j] = pair[j]
          unsafe row[2 * j + 1] = pair[width + j]
        }
      }
    }
  }

  /// The scales of the columns, then the numbers, four inputs of a column side by side.
  private func packBlock(into target: UnsafeMutableRawPointer) {
    let width = Self.width, largest = unsafe line, inverse = unsafe line + width
    unsafe largest.update(repeating: 0, count: width)
    for k in 0..<Self.block {
      for j in 0..<width { unsafe largest[j] = max(largest[j], abs(numbers[k * width + j])) }
    }
    let scales = unsafe target.assumingMemoryBound(to: Float.self)
    for j in 0..<width {
      unsafe scales[j] = largest[j] * Int8Rounding.step
      unsafe inverse[j] = Int8Rounding.inverse(largest[j])
    }
    let words = unsafe (target + 4 * width).assumingMemoryBound(to: UInt32.self)
    for k in stride(from: 0, to: Self.block, by: 4) {
      for j in 0..<width {
        var word: UInt32 = 0
        for input in 0..<4 {
          let number = unsafe Int8Rounding.nearest(numbers[(k + input) * width + j] * inverse[j])
          word |= (UInt32(bitPattern: number &+ 128) & 255) &<< UInt32(8 * input)
        }
        unsafe words[k / 4 * width + j] = word
      }
    }
  }
}

extension PackedTile {
  /// The scales of the columns for each half, then the levels: four inputs of a column side by side, those of the second
  /// half in the upper bits.
  fileprivate func packHalves(into target: UnsafeMutableRawPointer) {
    let width = Self.width, group = Int4Rounding.group, scales = unsafe target.assumingMemoryBound(to: UInt16.self)
    let bytes = unsafe (target + 4 * width).assumingMemoryBound(to: UInt8.self)
    for j in 0..<width {
      for half in 0..<2 {
        for k in 0..<group { unsafe line[k] = numbers[(half * group + k) * width + j] }
        let (scale, levels) = unsafe Int4Rounding.levels(UnsafePointer(line))
        unsafe scales[half * width + j] = scale
        for k in 0..<group {
          let place = k / 4 * 4 * width + 4 * j + k % 4
          unsafe bytes[place] = half == 0 ? levels[k] : bytes[place] | levels[k] << 4
        }
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
