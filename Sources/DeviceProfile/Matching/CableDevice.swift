/// What a device on a cable shows before anything is asked of it.
package struct CableDevice: Sendable, Equatable {
    package var vendorID: UInt16?
    package var productID: UInt16?
    /// Classes of its interfaces: 3 HID, 2 CDC, 8 mass storage, 15 personal healthcare, 255 vendor.
    package var interfaceClasses: Set<UInt8>
    /// Usage pages of its HID report descriptors.
    package var usagePages: Set<UInt16>
    package var manufacturer: String?
    package var product: String?
    package var serial: String?
    /// The operator bound the port to this profile.
    package var boundTo: String?

    package init(
        vendorID: UInt16? = nil, productID: UInt16? = nil, interfaceClasses: Set<UInt8> = [],
        usagePages: Set<UInt16> = [], manufacturer: String? = nil, product: String? = nil,
        serial: String? = nil, boundTo: String? = nil
    ) {
        self.vendorID = vendorID
        self.productID = productID
        self.interfaceClasses = interfaceClasses
        self.usagePages = usagePages
        self.manufacturer = manufacturer
        self.product = product
        self.serial = serial
        self.boundTo = boundTo
    }
}
