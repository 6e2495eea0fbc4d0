internal import MiniGPTSystemC

/// What stands at the other end of a descriptor.
package enum Terminal {
  package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Whether lines may be redrawn: a terminal that is not dumb.
  package static func canMove(_ descriptor: Int32) -> Bool {
    isTerminal(descriptor) && Environment.string("TERM") != "dumb"
  }

  /// Whether bytes are waiting to be read, or come within some milliseconds.
  package static func hasInput(_ descriptor: Int32, within milliseconds: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&request, 1, milliseconds) > 0 && request.revents & Int16(POLLIN) != 0
  }

  /// Columns of the terminal behind `descriptor`; `COLUMNS`, or else 80, where it does not say.
  package static func width(_ descriptor: Int32) -> Int {
    if let columns = columns(descriptor) { return columns }
    if let columns = Environment.string("COLUMNS").flatMap({ Int($0) }), columns > 0 { return columns }
    // Behind a pipe there is often a pager or `head`, on the terminal of our messages. What is wider than usual is no
    // help there: a program may be reading.
    let shown = isPipe(descriptor) ? columns(2) ?? columns(0) : nil
    return min(80, shown ?? 80)
  }

  private static func columns(_ descriptor: Int32) -> Int? {
    var size = winsize()
    return unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
  }

  /// Whether `descriptor` is one end of a pipe.
  package static func isPipe(_ descriptor: Int32) -> Bool {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
  }
}
