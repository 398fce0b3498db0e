import Testing

@testable import USBLink

@Suite struct DescriptorTests {
}
