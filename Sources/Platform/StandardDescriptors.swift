internal import MiniGPTSystemC

/// What a program does about its standard descriptors before anything else.
package enum StandardDescriptors {
  /// Makes a write into a closed pipe (`OutputError.readerIsGone`), or beyond the size that files may have
  /// (`ulimit -f`), an error instead of a death, as it would be fatal in the middle of a save.
  package static func surviveRefusedWrites() {
    _ = signal(SIGPIPE, SIG_IGN)
    _ = signal(SIGXFSZ, SIG_IGN)
  }

  /// Occupies those of 0, 1 and 2 that were closed when we were started: else the next file opened would take the
  /// number, and messages would be written into it. Reading 0 or writing 1 and 2 then still fails, with EBADF.
  package static func occupy() {
    for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) == -1 {
      unsafe _ = open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
    }
  }
}
