import Testing

@Suite struct PlatformTests {}
