import DataFiles
import DeviceProfile
import JSON
import Testing

@Suite("The models that an owner can name") struct DeviceTableTests {
    /// Models by profile, as makers, shops and captures call them.
    private static let table: [(profile: String, names: String)] = [
        ("and-ua-651ble", "A&D UA-651BLE|UA-651BLE|UA-651BLE plus|UA-656BLE"),
        ("and-ua-1200ble", "A&D UA-1200BLE|UA-1200BLE"),
        ("and-uc-352ble", "A&D UC-352BLE|uc-352ble"), ("and-uc-421ble", "A&D UC-421BLE"),
        ("and-ut-201ble", "A&D UT-201BLE|Nipro NSM-1BLE"),
        ("nipro-nbp-1ble", "Nipro NBP-1BLE"), ("nipro-nt-100b", "Nipro NT-100B"),
        ("omron-hem-9200t", "Omron HEM-9200T"),
        ("omron-standard-cuff", "HEM-6233T|HEM-6232T|BP5250|X2 Smart|X4 Smart|M500"),
        ("omron-classic-packed", "HEM-7322T|HEM-7600T|HEM-7271T|HEM-7280T|HEM-8732K"),
        ("omron-classic-linear", "HEM-6320T|HEM-6325T|HEM-6321T|HEM-8725T"),
        ("omron-classic-packed-offset", "HEM-7530T|HEM-6161T2|HEM-7139T|HEM-6231T_Z"),
        ("omron-modern-14", "HEM-7142T2|HEM-7146T2|HEM-716BT2|HEM-7138K"),
        ("omron-hem-7150t", "HEM-7155T|HEM-7342T|HEM-7361T|HEM-7150T|HEM-7155T-MW"),
        ("omron-modern-16-01c4", "HEM-7380T1|HEM-7188T1|HEM-7191T1"),
        ("omron-modern-16-080c", "HEM-7386T1|HEM-7382T1|HEM-7377T1"),
        ("omron-heartguide", "HEM-9601T|HEM-9700T"), ("omron-hn-300t2", "HN-300T2"),
        ("omron-hbf-702t", "HBF-702T|KRD-703T"),
        ("omron-hbf-227t", "HBF-227T|HBF-228T|HBF-230T|HBF-222T"),
        ("roche-accu-chek", "Accu-Chek Guide|Accu-Chek Instant|Accu-Chek Aviva Connect"),
        ("ascensia-contour", "Contour Next One|Contour Plus One"),
        ("caresens-n", "CareSens N Premier|CareSens Dual"), ("mylife-meter", "mylife|MyLife"),
        ("onetouch-verio-flex", "OneTouch Verio Flex|OneTouch Select Plus Flex"),
        ("beurer-bf720", "Beurer BF720|BF105|BF500|BF788|BF950"),
        ("beurer-bm85", "BM48|BM59|Beurer BM85|ELITE 900"),
        ("sanitas-sbm69", "Silvercrest SBM69|Sanitas SBM69"),
        ("xiaomi-mi-smart-scale", "XMTZC01HM|XMTZC04HM|Mi Smart Scale"),
        ("xiaomi-mi-body-composition-scale-2", "XMTZC02HM|XMTZC05HM|Mi Body Composition Scale 2"),
        ("xiaomi-s400", "S400|S200|S800|MJTZC01YM"),
        ("renpho-qn", "ES-26M|ES-28|GE CS10G|CS10G"), ("renpho-es-30m", "ES-30M"),
        ("renpho-es-wbe28", "WBE28|ES-WBE28"), ("eufy-p2-pro", "Eufy P2 Pro|Eufy C20"),
        ("hutbit-scale", "Hutbit|SWAN"), ("mgb-scale", "MGB|Dr Trust"),
        ("fittrack-scale", "FitTrack"), ("robi-s9", "Robi S9"),
        ("sanitas-sbf70", "Sanitas SBF70|Beurer BF710"),
        (
            "transtek-scale",
            "Medisana BS444|BS410|ADE BA1600|Trisa|1BODY CONNECT|WeightGurus"
        ),
        ("soehnle-shape-sense-200", "Soehnle Shape Sense Connect 200"),
        ("tanita-bc-401", "Tanita BC-401"), ("koogeek-s1", "Koogeek S1"), ("keep-s3", "Keep S3"),
        ("vitafit-vt701", "Vitafit VT701"), ("taylor-bia", "Taylor|Taylor BIA"),
        ("renpho-r-msc04", "Renpho R-MSC04"), ("1byone-scale", "1byone"),
        ("renpho-es-26r", "ES-26R"), ("xiaomi-mi-band", "Mi Band|Amazfit|Bip|Amazfit Bip S"),
        ("polar-heart-rate", "Polar H10"), ("xoss-heart-rate", "XOSS"),
        ("microlife-bp3gy1-2n", "Microlife BP3GY1-2N"),
        ("yonker-yk-ibpa1", "Yonker YK-IBPA1|YK-BPW5|Metiko|Yongrow"), ("bpm-188", "BPM-188"),
        ("detecto-6880", "Detecto 6880|Detecto 7550"), ("fora-p30", "FORA P30|D40|TD-3128"),
    ]

    @Test("Whoever looks for a model by its usual name finds the profile that reads it")
    func names() {
        for (id, names) in Self.table {
            for name in names.split(separator: "|") {
                let found = Shipped.loaded.index.profile(model: String(name))?.id
                #expect(found == id, "\(name)")
            }
        }
    }

    @Test("Every model of the recorded cases is known, with and without what is in its brackets")
    func cases() throws {
        let bytes = try FileReader.read(Shipped.root + "/Tests/Fixtures/cases/ble.json")
        let models = try JSONValue.parse(bytes).array ?? []
        #expect(models.count > 100)
        // Continuous glucose monitoring is no measurement that the exchange takes.
        let names = Set(models.compactMap { $0["model"]?.string }).filter { !$0.hasPrefix("CGM") }
        for name in names.sorted() {
            #expect(Shipped.loaded.index.profile(model: name) != nil, "\(name)")
        }
    }

    @Test("The shipped set is as wide as the project promises")
    func width() {
        let models = Shipped.profiles.filter { !$0.isGeneric }.flatMap(\.models)
        #expect(Shipped.profiles.count >= 45)
        #expect(models.count >= 120)
    }

    @Test("A profile that nobody checked says so, and every profile says what it rests on")
    func confidence() {
        for profile in Shipped.profiles {
            #expect(profile.confidenceNote != nil, "\(profile.id)")
            #expect(!(profile.confidenceNote ?? "").contains("TBD"))
        }
    }
}
