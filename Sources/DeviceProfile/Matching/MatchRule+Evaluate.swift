import Crypto

extension MatchRule {
    /// Points for each condition that holds; a condition that fails makes the score 0.
    ///
    /// - Parameter explaining: the reasons are wanted too; writing them takes longer than matching.
    func evaluate(
        _ advertisement: Advertisement, _ address: BluetoothAddress?, explaining: Bool
    ) -> (score: Int, because: [String], against: [String]) {
        var score = 0
        var because: [String] = []
        var against: [String] = []
        var fits = true
        func check(_ holds: Bool, _ points: Int, _ text: @autoclosure () -> String) {
            if holds { score += points } else { fits = false }
            guard explaining else { return }
            if holds {
                because.append("\(text()) (+\(points))")
            } else {
                against.append("not \(text())")
            }
        }
        let name = advertisement.name
        if !nameExact.isEmpty {
            check(nameExact.contains(name ?? ""), 60, "name is \(list(nameExact))")
        }
        if !namePrefixes.isEmpty {
            let fits = namePrefixes.contains { name?.hasPrefix($0) ?? false }
            check(fits, 50, "name begins with \(list(namePrefixes))")
        }
        let shown = Set(advertisement.serviceUUIDs).union(advertisement.serviceData.keys)
        for uuid in services {
            check(shown.contains(uuid), uuid.short == nil ? 45 : 20, "service \(uuid)")
        }
        for uuid in serviceData {
            let data = advertisement.serviceData[uuid]
            check(data != nil, 20, "service data \(uuid)")
            if let length = serviceDataLength {
                check(data?.count == length, 25, "service data of \(length) bytes")
            }
            if let wanted = serviceDataBytes {
                check(
                    data.map { wanted.holds($0) } ?? false, 30,
                    "service data with \(list(wanted)) at \(wanted.at)")
            }
        }
        for company in companies {
            let data = advertisement.manufacturerData[company]
            check(data != nil, 15, "company \(company)")
            if !companyDataPrefix.isEmpty {
                let fits = data?.starts(with: companyDataPrefix) ?? false
                check(fits, 20, "company data that begins with \(hexadecimal(companyDataPrefix))")
            }
            checkData(data, check)
        }
        if let low = companyLowByte {
            let data = advertisement.manufacturerData.first { $0.key & 0xFF == UInt16(low) }?.value
            check(data != nil, 10, "company that ends in \(hexadecimal([low]))")
            checkData(data, check)
        }
        if !addressPrefixes.isEmpty {
            let text = address?.description ?? ""
            check(
                addressPrefixes.contains { text.hasPrefix($0) }, 10,
                "address begins with \(list(addressPrefixes))")
        }
        return (fits ? score : 0, because, against)
    }

    /// The conditions on the bytes after a company id.
    private func checkData(
        _ data: [UInt8]?, _ check: (Bool, Int, @autoclosure () -> String) -> Void
    ) {
        if let length = companyDataLength {
            check(data?.count == length, 15, "company data of \(length) bytes")
        }
        if let wanted = companyDataBytes {
            check(
                data.map { wanted.holds($0) } ?? false, 20,
                "company data with \(list(wanted)) at \(wanted.at)")
        }
    }

    private func list(_ wanted: FieldLayout.Constant) -> String {
        wanted.alternatives.map { hexadecimal($0) }.joined(separator: " or ")
    }

    private func list(_ items: [String]) -> String {
        items.map { "'\($0)'" }.joined(separator: " or ")
    }
}
