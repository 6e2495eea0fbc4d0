internal import MiniGPTPlatform

/// For one line of a message: nothing in it that a terminal would obey.
func printable(_ bytes: [UInt8]) -> String { EscapedText.string(bytes) }

func printable(_ text: String) -> String { EscapedText.string(text) }

/// In quotation marks, and cut where it is long, for messages.
func quoted(_ bytes: [UInt8]) -> String {
  bytes.count <= 200 ? "'" + printable(bytes) + "'" : "'" + printable(Array(bytes.prefix(180))) + "…'"
}
