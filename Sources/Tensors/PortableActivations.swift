internal import MiniGPTCKernels

// The activations of `CKernels.h` in plain Swift: `f`, its way back, and both beside a factor.

func portableGELU() -> minigpt_activation {
  unsafe minigpt_activation(
    forward: { y, x, n in for i in 0..<n { unsafe y[i] = gelu(x[i]) } },
    backward: { dy, x, n in for i in 0..<n { unsafe dy[i] *= geluSlope(x[i]) } },
    gate: { y, x, factor, n in for i in 0..<n { unsafe y[i] = gelu(x[i]) * factor[i] } },
    gate_backward: { dy, dfactor, x, factor, n in
      for i in 0..<n {
        let d = unsafe dy[i]
        unsafe dy[i] = d * factor[i] * geluSlope(x[i])
        unsafe dfactor[i] = d * gelu(x[i])
      }
    })
}

func portableReLU() -> minigpt_activation {
  unsafe minigpt_activation(
    forward: { y, x, n in for i in 0..<n { unsafe y[i] = max(x[i], 0) } },
    backward: { dy, x, n in for i in 0..<n { if unsafe !(x[i] > 0) { unsafe dy[i] = 0 } } },
    gate: { y, x, factor, n in for i in 0..<n { unsafe y[i] = max(x[i], 0) * factor[i] } },
    gate_backward: { dy, dfactor, x, factor, n in
      for i in 0..<n {
        let d = unsafe dy[i]
        unsafe dy[i] = x[i] > 0 ? d * factor[i] : 0
        unsafe dfactor[i] = d * max(x[i], 0)
      }
    })
}

func portableReLU2() -> minigpt_activation {
  unsafe minigpt_activation(
    forward: { y, x, n in for i in 0..<n { unsafe y[i] = relu2(x[i]) } },
    backward: { dy, x, n in for i in 0..<n { unsafe dy[i] *= 2 * max(x[i], 0) } },
    gate: { y, x, factor, n in for i in 0..<n { unsafe y[i] = relu2(x[i]) * factor[i] } },
    gate_backward: { dy, dfactor, x, factor, n in
      for i in 0..<n {
        let d = unsafe dy[i]
        unsafe dy[i] = d * factor[i] * (2 * max(x[i], 0))
        unsafe dfactor[i] = d * relu2(x[i])
      }
    })
}

func portableSiLU() -> minigpt_activation {
  unsafe minigpt_activation(
    forward: { y, x, n in for i in 0..<n { unsafe y[i] = silu(x[i]) } },
    backward: { dy, x, n in for i in 0..<n { unsafe dy[i] *= siluSlope(x[i]) } },
    gate: { y, x, factor, n in for i in 0..<n { unsafe y[i] = silu(x[i]) * factor[i] } },
    gate_backward: { dy, dfactor, x, factor, n in
      for i in 0..<n {
        let d = unsafe dy[i]
        unsafe dy[i] = d * factor[i] * siluSlope(x[i])
        unsafe dfactor[i] = d * silu(x[i])
      }
    })
}

/// s(2u) with s(z) = 1 / (1 + exp(-z)), u = √(2/π) · (x + 0.044715 x³): gelu(x) = x · s(2u).
private func geluSigmoid(_ x: Float) -> Float {
  1 / (1 + exponential(-1.595_769_121_605_730_8 * (x * x * x * 0.044715 + x)))
}

private func gelu(_ x: Float) -> Float { x * geluSigmoid(x) }

private func geluSlope(_ x: Float) -> Float {
  let s = geluSigmoid(x)
  return x * s * (1 - s) * (1.595_769_121_605_730_8 * (x * x * 0.134145 + 1)) + s
}

private func relu2(_ x: Float) -> Float { max(x, 0) * max(x, 0) }

private func silu(_ x: Float) -> Float { x / (1 + exponential(-x)) }

private func siluSlope(_ x: Float) -> Float {
  let s = 1 / (1 + exponential(-x))
  return s * (x * (1 - s) + 1)
}
