internal import CKernels

// The operations of `CKernels.h` in plain Swift. Nothing is contracted or reassociated, and `exp` is our own, so that
// the same bits come out on any machine.

private typealias Vector = SIMD8<Float>
private let width = 8
private let tileRows = 4

func portableTable() -> minigpt_kernels {
  unsafe minigpt_kernels(
    tile_rows: tileRows, tile_columns: width,
    product: { unsafe product($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10) },
    maximum: { x, n in
      var most = -Float.infinity
      for i in 0..<n { most = unsafe max(most, x[i]) }
      return most
    },
    exponentials: { x, n, scale, shift in
      var total: Float = 0
      for i in 0..<n {
        unsafe x[i] = exponential(x[i] * scale - shift)
        total += unsafe x[i]
      }
      return total
    },
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
    softmax_backward: { dp, p, delta, scale, n in
      for i in 0..<n { unsafe dp[i] = p[i] * (dp[i] - delta) * scale }
    },
    layer_norm: { unsafe layerNorm($0, $1, $2, $3, $4, $5, $6) },
    layer_norm_again: { y, x, gain, bias, statistics, n in
      for i in 0..<n { unsafe y[i] = (x[i] - statistics[0]) * statistics[1] * gain[i] + bias[i] }
    },
    layer_norm_backward: { unsafe layerNormBackward($0, $1, $2, $3, $4, $5) },
    layer_norm_parameters: { dgain, dbias, dy, dyStride, x, xStride, statistics, rows, n in
      for r in 0..<rows {
        let mean = unsafe statistics[2 * r], rstd = unsafe statistics[2 * r + 1]
        for i in 0..<n {
          let d = unsafe dy[r * dyStride + i]
          unsafe dgain[i] += d * ((x[r * xStride + i] - mean) * rstd)
          unsafe dbias[i] += d
        }
      }
    },
    gelu: { y, x, n in for i in 0..<n { unsafe y[i] = x[i] * geluSigmoid(x[i]) } },
    gelu_backward: { dy, x, n in for i in 0..<n { unsafe dy[i] *= geluSlope(x[i]) } },
    relu: { y, x, n in for i in 0..<n { unsafe y[i] = max(x[i], 0) } },
    relu_backward: { dy, x, n in for i in 0..<n { if unsafe !(x[i] > 0) { unsafe dy[i] = 0 } } },
    dropout: { unsafe dropout($0, $1, $2, $3, $4) },
    adamw: { unsafe adamw($0, $1, $2, $3, $4, $5) }
  )
}

@inline(__always) private func load(_ p: UnsafePointer<Float>) -> Vector {
  unsafe UnsafeRawPointer(p).loadUnaligned(as: Vector.self)
}

/// s(2u) with s(z) = 1 / (1 + exp(-z)), u = √(2/π) · (x + 0.044715 x³): gelu(x) = x · s(2u).
private func geluSigmoid(_ x: Float) -> Float {
  1 / (1 + exponential(-1.595_769_121_605_730_8 * (x * x * x * 0.044715 + x)))
}

private func geluSlope(_ x: Float) -> Float {
  let s = geluSigmoid(x)
  return x * s * (1 - s) * (1.595_769_121_605_730_8 * (x * x * 0.134145 + 1)) + s
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

private func layerNorm(
  _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ gain: UnsafePointer<Float>,
  _ bias: UnsafePointer<Float>, _ epsilon: Float, _ statistics: UnsafeMutablePointer<Float>, _ n: Int
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
  for i in 0..<n { unsafe y[i] = (x[i] - mean) * rstd * gain[i] + bias[i] }
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
    unsafe weight[i] = weight[i] * how.shrink - how.rate * m / (v.squareRoot() * how.root_scale + how.epsilon)
  }
}
