internal import MiniGPTCKernels

// The operations of `CKernels.h` in plain Swift. Nothing is contracted or reassociated, and `exp` is our own, so that
// the same bits come out on any machine.

private typealias Vector = SIMD8<Float>
private let width = 8
private let tileRows = 4

func portableTable() -> minigpt_kernels {
  unsafe minigpt_kernels(
    tile_rows: tileRows, tile_columns: width, tile_rows16: tileRows, strips_by_rows: 0,
    product: { unsafe product($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10) },
    product16: nil,
    interleave16: { words, wordsRow, x, xRow, rows, n in
      for r in stride(from: 0, to: rows, by: 2) {
        let to = unsafe words + r / 2 * wordsRow, from = unsafe x + r * xRow
        for i in 0..<n { unsafe to[i] = bfloat16(from[i]) | (r + 1 < rows ? bfloat16(from[xRow + i]) << 16 : 0) }
      }
    },
    copy_rows: { y, yRow, x, xRow, rows, n in
      for r in 0..<rows { unsafe (y + r * yRow).update(from: x + r * xRow, count: n) }
    },
    narrow16: { words, x, n in
      for i in stride(from: 0, to: n, by: 2) {
        unsafe words[i / 2] = bfloat16(x[i]) | (i + 1 < n ? bfloat16(x[i + 1]) << 16 : 0)
      }
    },
    round16: { y, x, n in for i in 0..<n { unsafe y[i] = Float(bitPattern: bfloat16(x[i]) << 16) } },
    transpose: { y, yRow, x, xRow, rows, columns in
      for i in 0..<rows { for j in 0..<columns { unsafe y[j * yRow + i] = x[i * xRow + j] } }
    },
    maximum: { x, n in
      var most = -Float.infinity
      for i in 0..<n { most = unsafe max(most, x[i]) }
      return most
    },
    exponentials: { unsafe exponentials($0, $1, $2, $3) },
    dot: { x, y, n in
      var total = Vector.zero
      var i = 0
      while i + width <= n {
        total += unsafe load(x + i) * load(y + i)
        i += width
      }
      var sum = total.sum()
      while i < n {
        sum += unsafe x[i] * y[i]
        i += 1
      }
      return sum
    },
    sum_of_squares: { x, n in
      var sum = 0.0
      for i in 0..<n { sum += unsafe Double(x[i]) * Double(x[i]) }
      return sum
    },
    scale: { x, factor, n in for i in 0..<n { unsafe x[i] *= factor } },
    add: { y, x, n in for i in 0..<n { unsafe y[i] += x[i] } },
    add_scaled: { y, x, factor, n in for i in 0..<n { unsafe y[i] += x[i] * factor } },
    add_column_sums: { y, x, rows, stride, n in
      for r in 0..<rows { for i in 0..<n { unsafe y[i] += x[r * stride + i] } }
    },
    running_softmax: { unsafe runningSoftmax($0, $1, $2, $3, $4, $5, $6, $7, $8) },
    softmax_again: { x, xRow, rows, columns, visible, scale, shifts in
      for r in 0..<rows {
        let seen = unsafe seen(visible, r, columns), row = unsafe x + r * xRow
        _ = unsafe exponentials(row, seen, scale, shifts[r])
        unsafe (row + seen).update(repeating: 0, count: columns - seen)
      }
    },
    softmax_backward: { dp, dpRow, p, pRow, rows, n, deltas, scale in
      for r in 0..<rows {
        let d = unsafe dp + r * dpRow, w = unsafe p + r * pRow
        for i in 0..<n { unsafe d[i] = w[i] * (d[i] - deltas[r]) * scale }
      }
    },
    scale_rows: { x, xRow, rows, n, factors in
      for r in 0..<rows { for i in 0..<n { unsafe x[r * xRow + i] *= factors[r] } }
    },
    layer_norm: { unsafe layerNorm($0, $1, $2, $3, $4, $5, $6) },
    layer_norm_again: { y, x, gain, bias, statistics, n in
      for i in 0..<n { unsafe y[i] = (x[i] - statistics[0]) * statistics[1] * gain[i] + (bias?[i] ?? 0) }
    },
    layer_norm_backward: { unsafe layerNormBackward($0, $1, $2, $3, $4, $5) },
    layer_norm_parameters: { dgain, dbias, dy, dyStride, x, xStride, statistics, rows, n in
      for r in 0..<rows {
        let mean = unsafe statistics[2 * r], rstd = unsafe statistics[2 * r + 1]
        for i in 0..<n {
          let d = unsafe dy[r * dyStride + i]
          unsafe dgain[i] += d * ((x[r * xStride + i] - mean) * rstd)
          unsafe dbias?[i] += d
        }
      }
    },
    rms_norm: { y, x, gain, epsilon, rstd, n in
      unsafe rstd[0] = inverseRMS(x, epsilon, n)
      for i in 0..<n { unsafe y[i] = x[i] * rstd[0] * gain[i] }
    },
    rms_norm_again: { y, x, gain, rstd, n in for i in 0..<n { unsafe y[i] = x[i] * rstd[0] * gain[i] } },
    rms_norm_backward: { unsafe rmsNormBackward($0, $1, $2, $3, $4, $5) },
    rms_norm_parameters: { dgain, dy, dyStride, x, xStride, rstd, rows, n in
      for r in 0..<rows { for i in 0..<n { unsafe dgain[i] += dy[r * dyStride + i] * (x[r * xStride + i] * rstd[r]) } }
    },
    turn_heads: { unsafe turnHeads($0, $1, $2, $3, $4, $5, $6) },
    turn_heads_backward: { unsafe turnHeadsBackward($0, $1, $2, $3, $4, $5, $6, $7) },
    gelu: portableGELU(), relu: portableReLU(), relu2: portableReLU2(), silu: portableSiLU(),
    dropout: { unsafe dropout($0, $1, $2, $3, $4) },
    adamw: { unsafe adamw($0, $1, $2, $3, $4, $5) }
  )
}

private func bfloat16(_ x: Float) -> UInt32 { UInt32(ShortFloat.bf16(x)) }

@inline(__always) private func load(_ p: UnsafePointer<Float>) -> Vector {
  unsafe UnsafeRawPointer(p).loadUnaligned(as: Vector.self)
}

private func product(
  _ rows: Int, _ columns: Int, _ depth: Int, _ a: UnsafePointer<Float>, _ aRow: Int, _ aDepth: Int,
  _ b: UnsafePointer<Float>, _ bDepth: Int, _ c: UnsafeMutablePointer<Float>, _ cRow: Int, _ accumulate: Int32
) {
  if columns == width && rows == tileRows {
    let zero = Vector.zero
    var c0 = accumulate != 0 ? unsafe load(c) : zero
    var c1 = accumulate != 0 ? unsafe load(c + cRow) : zero
    var c2 = accumulate != 0 ? unsafe load(c + 2 * cRow) : zero
    var c3 = accumulate != 0 ? unsafe load(c + 3 * cRow) : zero
    for k in 0..<depth {
      let x = unsafe a + k * aDepth
      let y = unsafe load(b + k * bDepth)
      unsafe c0 += y * x[0]
      unsafe c1 += y * x[aRow]
      unsafe c2 += y * x[2 * aRow]
      unsafe c3 += y * x[3 * aRow]
    }
    unsafe UnsafeMutableRawPointer(c).storeBytes(of: c0, as: Vector.self)
    unsafe UnsafeMutableRawPointer(c + cRow).storeBytes(of: c1, as: Vector.self)
    unsafe UnsafeMutableRawPointer(c + 2 * cRow).storeBytes(of: c2, as: Vector.self)
    unsafe UnsafeMutableRawPointer(c + 3 * cRow).storeBytes(of: c3, as: Vector.self)
    return
  }
  for r in 0..<rows {
    for j in 0..<columns {
      var sum: Float = accumulate != 0 ? unsafe c[r * cRow + j] : 0
      for k in 0..<depth { sum += unsafe b[k * bDepth + j] * a[r * aRow + k * aDepth] }
      unsafe c[r * cRow + j] = sum
    }
  }
}

private func exponentials(_ x: UnsafeMutablePointer<Float>, _ n: Int, _ scale: Float, _ shift: Float) -> Float {
  var total: Float = 0
  for i in 0..<n {
    unsafe x[i] = exponential(x[i] * scale - shift)
    total += unsafe x[i]
  }
  return total
}

private func seen(_ visible: UnsafePointer<minigpt_visible>, _ row: Int, _ columns: Int) -> Int {
  unsafe min(columns, max(0, visible.pointee.first + row * visible.pointee.step))
}

private func runningSoftmax(
  _ x: UnsafeMutablePointer<Float>, _ xRow: Int, _ rows: Int, _ columns: Int, _ visible: UnsafePointer<minigpt_visible>,
  _ scale: Float, _ maxima: UnsafeMutablePointer<Float>, _ sums: UnsafeMutablePointer<Float>,
  _ shrink: UnsafeMutablePointer<Float>
) {
  for r in 0..<rows {
    let row = unsafe x + r * xRow, seen = unsafe seen(visible, r, columns)
    unsafe shrink[r] = 1
    if seen > 0 {
      var most = -Float.infinity
      for i in 0..<seen { most = unsafe max(most, row[i]) }
      let before = unsafe maxima[r], now = max(before, scale * most)
      unsafe shrink[r] = exponential(before - now)
      unsafe maxima[r] = now
      unsafe sums[r] = sums[r] * shrink[r] + exponentials(row, seen, scale, now)
    }
    unsafe (row + seen).update(repeating: 0, count: columns - seen)
  }
}

private func layerNorm(
  _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ gain: UnsafePointer<Float>,
  _ bias: UnsafePointer<Float>?, _ epsilon: Float, _ statistics: UnsafeMutablePointer<Float>, _ n: Int
) {
  var sum: Float = 0, squares: Float = 0
  for i in 0..<n { sum += unsafe x[i] }
  let mean = sum / Float(n)
  for i in 0..<n {
    let d = unsafe x[i] - mean
    squares += d * d
  }
  let rstd = 1 / (squares / Float(n) + epsilon).squareRoot()
  unsafe statistics[0] = mean
  unsafe statistics[1] = rstd
  for i in 0..<n { unsafe y[i] = (x[i] - mean) * rstd * gain[i] + (bias?[i] ?? 0) }
}

private func layerNormBackward(
  _ dx: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
  _ gain: UnsafePointer<Float>, _ statistics: UnsafePointer<Float>, _ n: Int
) {
  // dx = rstd · (g - mean(g) - x̂ · mean(g · x̂)), g = gain · dy.
  let mean = unsafe statistics[0], rstd = unsafe statistics[1]
  var sum: Float = 0, sumHat: Float = 0
  for i in 0..<n {
    let g = unsafe gain[i] * dy[i]
    sum += g
    sumHat += unsafe g * ((x[i] - mean) * rstd)
  }
  let gMean = sum / Float(n), hatMean = sumHat / Float(n)
  for i in 0..<n {
    let g = unsafe gain[i] * dy[i], hat = unsafe (x[i] - mean) * rstd
    unsafe dx[i] += rstd * (g - gMean - hat * hatMean)
  }
}

private func dropout(
  _ x: UnsafeMutablePointer<Float>, _ row: UnsafePointer<minigpt_random_row>, _ threshold: UInt32, _ factor: Float,
  _ n: Int
) {
  let row = unsafe row.pointee
  for start in stride(from: 0, to: n, by: 8) {
    let words = Philox.words(
      counter: (row.block &+ UInt32(truncatingIfNeeded: start / 8), row.sample, row.site, row.step), key: row.key)
    for j in 0..<min(8, n - start) {
      let bits = j % 2 == 0 ? words[j / 2] & 0xFFFF : words[j / 2] >> 16
      unsafe x[start + j] = bits < threshold ? 0 : x[start + j] * factor
    }
  }
}

private func adamw(
  _ weight: UnsafeMutablePointer<Float>, _ gradient: UnsafePointer<Float>, _ first: UnsafeMutablePointer<Float>,
  _ second: UnsafeMutablePointer<Float>, _ how: UnsafePointer<minigpt_adamw>, _ n: Int
) {
  let how = unsafe how.pointee
  for i in 0..<n {
    let g = unsafe gradient[i] * how.gradient_scale
    let m = unsafe first[i] * how.beta1 + (1 - how.beta1) * g
    let v = unsafe second[i] * how.beta2 + (1 - how.beta2) * g * g
    unsafe first[i] = m
    unsafe second[i] = v
    let shrink = unsafe how.cautious == 0 || m * weight[i] >= 0 ? how.shrink : 1
    unsafe weight[i] = weight[i] * shrink - how.rate * m / (v.squareRoot() * how.root_scale + how.epsilon)
  }
}
