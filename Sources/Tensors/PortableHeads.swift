// RMS norms and the turning of heads of `CKernels.h` in plain Swift.

func inverseRMS(_ x: UnsafePointer<Float>, _ epsilon: Float, _ n: Int) -> Float {
  var squares: Float = 0
  for i in 0..<n { squares += unsafe x[i] * x[i] }
  return 1 / (squares / Float(n) + epsilon).squareRoot()
}

func rmsNormBackward(
  _ dx: UnsafeMutablePointer<Float>, _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
  _ gain: UnsafePointer<Float>, _ rstd: UnsafePointer<Float>, _ n: Int
) {
  // dx = rstd · (g - x̂ · mean(g · x̂)), g = gain · dy, x̂ = rstd · x.
  let r = unsafe rstd[0]
  var sum: Float = 0
  for i in 0..<n { sum += unsafe gain[i] * dy[i] * x[i] }
  let pull = sum / Float(n) * r * r
  for i in 0..<n { unsafe dx[i] += r * (gain[i] * dy[i] - x[i] * pull) }
}

func turnHeads(
  _ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ gain: UnsafePointer<Float>?,
  _ turn: UnsafePointer<Float>?, _ epsilon: Float, _ heads: Int, _ width: Int
) {
  for start in stride(from: 0, to: heads * width, by: width) {
    let y = unsafe y + start, x = unsafe x + start
    var from = unsafe x
    if let gain = unsafe gain {
      let rstd = unsafe inverseRMS(x, epsilon, width)
      for i in 0..<width { unsafe y[i] = x[i] * rstd * gain[i] }
      unsafe from = UnsafePointer(y)
    }
    guard let turn = unsafe turn else { continue }
    for i in 0..<width / 2 {
      let j = i + width / 2, a = unsafe from[i], b = unsafe from[j]
      unsafe y[i] = a * turn[i] - b * turn[j]
      unsafe y[j] = b * turn[i] + a * turn[j]
    }
  }
}

func turnHeadsBackward(
  _ dx: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ gain: UnsafePointer<Float>?,
  _ dgain: UnsafeMutablePointer<Float>?, _ turn: UnsafePointer<Float>?, _ epsilon: Float, _ heads: Int, _ width: Int
) {
  for start in stride(from: 0, to: heads * width, by: width) {
    let dx = unsafe dx + start, x = unsafe x + start
    if let turn = unsafe turn {
      for i in 0..<width / 2 {
        let j = i + width / 2, a = unsafe dx[i], b = unsafe dx[j]
        unsafe dx[i] = a * turn[i] + b * turn[j]
        unsafe dx[j] = b * turn[i] - a * turn[j]
      }
    }
    guard let gain = unsafe gain else { continue }
    let r = unsafe inverseRMS(x, epsilon, width)
    var sum: Float = 0
    for i in 0..<width {
      unsafe dgain?[i] += dx[i] * (x[i] * r)
      sum += unsafe gain[i] * dx[i] * (x[i] * r)
    }
    let mean = sum / Float(width)
    for i in 0..<width { unsafe dx[i] = (gain[i] * dx[i] - x[i] * r * mean) * r }
  }
}
