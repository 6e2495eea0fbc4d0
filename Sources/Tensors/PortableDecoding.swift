internal import MiniGPTCKernels

// The operations of `Decoding.h` in plain Swift, one product after the other.

private let panel = PackedMatrix.panel
private let block = PackedMatrix.block

func portableDecoding() -> minigpt_decoding {
  unsafe minigpt_decoding(
    rows_product: { rows, columns, depth, x, xRow, w, wRow, out, outRow in
      for r in 0..<rows {
        let line = unsafe out + r * outRow
        unsafe line.update(repeating: 0, count: columns)
        for k in 0..<depth {
          let factor = unsafe x[r * xRow + k], row = unsafe w + k * wRow
          for j in 0..<columns { unsafe line[j] += row[j] * factor }
        }
      }
    },
    dots: { rows, count, depth, x, xRow, table, tableRow, out, outRow in
      for r in 0..<rows {
        for j in 0..<count {
          var sum: Float = 0
          for k in 0..<depth { unsafe sum += x[r * xRow + k] * table[j * tableRow + k] }
          unsafe out[r * outRow + j] = sum
        }
      }
    },
    product_fp32: { rows, columns, depth, x, xRow, w, out, outRow in
      for r in 0..<rows {
        for j in 0..<columns {
          let column = unsafe w + j / panel * depth * panel + j % panel
          var sum: Float = 0
          for k in 0..<depth { unsafe sum += x[r * xRow + k] * column[k * panel] }
          unsafe out[r * outRow + j] = sum
        }
      }
    },
    product_bf16: { rows, columns, depth, x, xRow, w, out, outRow in
      let panelLength = (depth + 1) / 2 * 2 * panel
      for r in 0..<rows {
        for j in 0..<columns {
          let column = unsafe w + j / panel * panelLength + j % panel * 2
          var sum: Float = 0
          for k in 0..<depth {
            let weight = unsafe ShortFloat.float(bf16: column[k / 2 * 2 * panel + k % 2])
            unsafe sum += ShortFloat.float(bf16: x[r * xRow + k]) * weight
          }
          unsafe out[r * outRow + j] = sum
        }
      }
    },
    product_f16: { rows, columns, depth, x, xRow, w, out, outRow in
      for r in 0..<rows {
        for j in 0..<columns {
          let column = unsafe w + j / panel * depth * panel + j % panel
          var sum: Float = 0
          for k in 0..<depth { unsafe sum += x[r * xRow + k] * ShortFloat.float(f16: column[k * panel]) }
          unsafe out[r * outRow + j] = sum
        }
      }
    },
    product_int8: { unsafe productInt8($0, $1, $2, $3, $4, $5, $6, $7, $8) },
    product_int4: { unsafe productInt4($0, $1, $2, $3, $4, $5, $6, $7, $8) },
    to_bf16: { y, x, n in for i in 0..<n { unsafe y[i] = ShortFloat.bf16(x[i]) } },
    to_f16: { y, x, n in for i in 0..<n { unsafe y[i] = ShortFloat.f16(x[i]) } },
    quantize: { unsafe quantize($0, $1, $2, $3, $4) }
  )
}

private func productInt8(
  _ rows: Int, _ columns: Int, _ blocks: Int, _ x: UnsafePointer<Int8>, _ scales: UnsafePointer<Float>,
  _ sums: UnsafePointer<Int32>, _ w: UnsafePointer<UInt8>, _ out: UnsafeMutablePointer<Float>, _ outRow: Int
) {
  let blockBytes = 4 * panel + block * panel
  for r in 0..<rows {
    for j in 0..<columns {
      var sum: Float = 0
      for b in 0..<blocks {
        let start = unsafe w + (j / panel * blocks + b) * blockBytes
        let input = unsafe x + (r * blocks + b) * block
        var dot = unsafe -128 * (sums[2 * (r * blocks + b)] + sums[2 * (r * blocks + b) + 1])
        for k in 0..<block {
          unsafe dot += Int32(start[4 * panel + k / 4 * 4 * panel + j % panel * 4 + k % 4]) * Int32(input[k])
        }
        let scale = unsafe UnsafeRawPointer(start).loadUnaligned(fromByteOffset: 4 * (j % panel), as: Float.self)
        unsafe sum += Float(dot) * (scale * scales[r * blocks + b])
      }
      unsafe out[r * outRow + j] = sum
    }
  }
}

private func productInt4(
  _ rows: Int, _ columns: Int, _ blocks: Int, _ x: UnsafePointer<Int8>, _ scales: UnsafePointer<Float>,
  _ sums: UnsafePointer<Int32>, _ w: UnsafePointer<UInt8>, _ out: UnsafeMutablePointer<Float>, _ outRow: Int
) {
  let blockBytes = 4 * panel + block / 2 * panel
  for r in 0..<rows {
    for j in 0..<columns {
      var sum: Float = 0
      for b in 0..<blocks {
        let start = unsafe w + (j / panel * blocks + b) * blockBytes
        for half in 0..<2 {
          let input = unsafe x + (r * blocks + b) * block + half * block / 2
          var dot = unsafe -8 * sums[2 * (r * blocks + b) + half]
          for k in 0..<block / 2 {
            let byte = unsafe start[4 * panel + k / 4 * 4 * panel + j % panel * 4 + k % 4]
            unsafe dot += Int32(half == 0 ? byte & 15 : byte >> 4) * Int32(input[k])
          }
          let scale = unsafe UnsafeRawPointer(start).loadUnaligned(
            fromByteOffset: 2 * (half * panel + j % panel), as: UInt16.self)
          unsafe sum += Float(dot) * (ShortFloat.float(f16: scale) * scales[r * blocks + b])
        }
      }
      unsafe out[r * outRow + j] = sum
    }
  }
}

private func quantize(
  _ y: UnsafeMutablePointer<Int8>, _ scales: UnsafeMutablePointer<Float>, _ sums: UnsafeMutablePointer<Int32>,
  _ x: UnsafePointer<Float>, _ n: Int
) {
  for first in stride(from: 0, to: n, by: block) {
    let here = min(block, n - first)
    var largest: Float = 0, sum = (Int32(0), Int32(0))
    for i in first..<first + here { largest = unsafe max(largest, abs(x[i])) }
    let inverse = Int8Rounding.inverse(largest)
    for i in first..<first + block {
      let number = i < n ? unsafe Int8Rounding.nearest(x[i] * inverse) : 0
      if i - first < block / 2 { sum.0 &+= number } else { sum.1 &+= number }
      unsafe y[i] = Int8(truncatingIfNeeded: number)
    }
    unsafe scales[first / block] = largest * Int8Rounding.step
    unsafe (sums[2 * (first / block)], sums[2 * (first / block) + 1]) = sum
  }
}
